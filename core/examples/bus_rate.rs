//! How many messages a second the bus carries, and how many the disk would take: the core part of
//! `cargo xtask bench messages`.
//!
//! Each conversation has one message in flight: accepted, leased, finished with two messages of its
//! conversation and an answer, the answer leased and sent. The ceiling is the same rows in their
//! final form, stored by SQLite alone with as many messages to a commit.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use firstlight_core::bus::{
    Accepted, Bus, BusSettings, Epoch, Finish, InboxRow, NewInbox, NewOutbox, OutboxRow, Turn,
};
use firstlight_core::db::{Database, NewConversation, NewMessage};
use rusqlite::{Connection, params};
use serde_json::{Value, json};
use tokio::sync::{Mutex, oneshot};
use tokio::task::JoinSet;
use tokio::time::Instant;

type Failure = Box<dyn std::error::Error + Send + Sync>;

const PLATFORM: &str = "load";
/// More statements than there are.
const STATEMENTS: usize = 32;
const QUESTION: &str = "What is the weather like at the other end of the wire today?";

/// What is measured.
struct Load {
    seconds: u64,
    in_flight: usize,
    ceiling: bool,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default: u64| -> Result<u64, Failure> {
        arguments.next().map_or(Ok(default), |text| Ok(text.parse()?))
    };
    let load = Load {
        seconds: number(5)?,
        in_flight: usize::try_from(number(64)?)?,
        ceiling: number(0)? == 1,
    };
    let folder = tempfile::tempdir_in(".")?;
    let database = Database::open(&folder.path().join("firstlight.db")).await?;
    let before = cpu_ticks();
    let measured = if load.ceiling {
        converse(&database, &load).await?;
        ceiling(&folder.path().join("firstlight.db"), &load)?
    } else {
        carry(&database, &load).await?
    };
    let cpu = cpu_ticks() - before;
    database.close().await;
    report(&load, measured, cpu);
    Ok(())
}

#[expect(clippy::print_stdout, clippy::cast_precision_loss, reason = "the figures are the result")]
fn report(load: &Load, mut latencies: Vec<Duration>, cpu_ticks: u64) {
    latencies.sort_unstable();
    let at = |share: usize| latencies.get(latencies.len() * share / 100).copied();
    let micros = |share| at(share).map_or(0, |each| each.as_micros());
    let messages = latencies.len().max(1) as f64;
    let figures = json!({
        "rate": (messages / load.seconds as f64).round(),
        "p50_us": micros(50),
        "p99_us": micros(99),
        // A tick is 10 ms on every Linux.
        "cpu_us": (cpu_ticks as f64 * 10_000.0 / messages).round(),
    });
    println!("{figures}");
}

/// User and system time of this process, in ticks of 10 ms.
fn cpu_ticks() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum()
}

/// A conversation for each message in flight.
async fn converse(database: &Database, load: &Load) -> Result<Vec<String>, Failure> {
    let mut conversations = Vec::new();
    for number in 0..load.in_flight {
        let umo = format!("{PLATFORM}:FriendMessage:{number}");
        let new =
            NewConversation { platform_id: PLATFORM.into(), umo, title: None, persona_id: None };
        conversations.push(database.conversations().create(new).await?.conversation_id);
    }
    Ok(conversations)
}

/// The whole way of each message.
async fn carry(database: &Database, load: &Load) -> Result<Vec<Duration>, Failure> {
    let bus = Bus::new(database.clone(), BusSettings::default());
    let (epoch, _) = bus.take_over().await?;
    let waiting = Arc::new(Waiting::default());
    let conversations = Arc::new(converse(database, load).await?);
    let over = Arc::new(AtomicBool::new(false));
    let mut workers = JoinSet::new();
    workers.spawn(turns(bus.clone(), epoch, Arc::clone(&conversations)));
    workers.spawn(sends(bus.clone(), epoch, Arc::clone(&waiting)));
    let mut drivers = JoinSet::new();
    for number in 0..load.in_flight {
        drivers.spawn(drive(bus.clone(), number, Arc::clone(&waiting), Arc::clone(&over)));
    }
    tokio::time::sleep(Duration::from_secs(load.seconds)).await;
    over.store(true, Ordering::Relaxed);
    let mut latencies = Vec::new();
    while let Some(driver) = drivers.join_next().await {
        latencies.extend(driver??);
    }
    workers.shutdown().await;
    Ok(latencies)
}

/// Who waits for the answer in each session.
#[derive(Default)]
struct Waiting {
    sessions: Mutex<std::collections::HashMap<String, oneshot::Sender<()>>>,
}

async fn drive(
    bus: Bus,
    number: usize,
    waiting: Arc<Waiting>,
    over: Arc<AtomicBool>,
) -> Result<Vec<Duration>, Failure> {
    static NAME: AtomicU64 = AtomicU64::new(0);
    let session = format!("{PLATFORM}:FriendMessage:{number}");
    let mut latencies = Vec::new();
    while !over.load(Ordering::Relaxed) {
        let began = Instant::now();
        let (answered, answer) = oneshot::channel();
        waiting.sessions.lock().await.insert(session.clone(), answered);
        let name = NAME.fetch_add(1, Ordering::Relaxed);
        let accepted = bus.accept(message(name, &session, number)).await?;
        if !matches!(accepted, Accepted::New(_)) {
            return Err(format!("not accepted: {accepted:?}").into());
        }
        answer.await?;
        latencies.push(began.elapsed());
    }
    Ok(latencies)
}

fn message(name: u64, session: &str, number: usize) -> NewInbox {
    NewInbox {
        platform_id: PLATFORM.into(),
        platform_message_id: name.to_string(),
        conversation_key: session.to_owned(),
        payload: json!({
            "session": session, "number": number, "platform_type": "onebot", "self_id": "10000",
            "sender": { "user_id": number.to_string(), "nickname": "somebody" },
            "message": { "chain": [{ "type": "Plain", "text": QUESTION }] },
            "text": QUESTION, "at": "2026-01-01T00:00:00Z", "options": {}, "extras": {},
        }),
        received_at: 0,
    }
}

async fn turns(bus: Bus, epoch: Epoch, conversations: Arc<Vec<String>>) -> Result<(), Failure> {
    let mut wake = bus.inbox_wake();
    let mut running = JoinSet::new();
    loop {
        while running.try_join_next().is_some() {}
        let rows = bus.lease_next(epoch, 64).await?;
        if rows.is_empty() {
            wake.wait().await;
        }
        for row in rows {
            let (bus, conversations) = (bus.clone(), Arc::clone(&conversations));
            running.spawn(async move { turn(&bus, epoch, row, &conversations).await });
        }
    }
}

async fn turn(
    bus: &Bus,
    epoch: Epoch,
    row: InboxRow,
    conversations: &[String],
) -> Result<(), Failure> {
    let number = row.payload.get("number").and_then(Value::as_u64).unwrap_or_default();
    let conversation_id = conversations.get(usize::try_from(number)?).cloned().unwrap_or_default();
    let said = |role: &str| NewMessage {
        role: role.into(),
        content: json!({ "role": role, "content": [{ "type": "text", "text": QUESTION }] }),
        tokens: 12,
    };
    let messages = vec![said("user"), said("assistant")];
    let finish = Finish {
        turn: Some(Turn { conversation_id, messages }),
        outbox: vec![NewOutbox {
            platform_id: PLATFORM.into(),
            session_key: row.conversation_key,
            payload: json!({ "message": { "chain": [{ "type": "Plain", "text": QUESTION }] } }),
            resend_safe: false,
            idempotency_key: Some(format!("turn-{}-0", row.id)),
        }],
        ..Finish::default()
    };
    bus.finish(row.id, epoch, finish).await?;
    Ok(())
}

async fn sends(bus: Bus, epoch: Epoch, waiting: Arc<Waiting>) -> Result<(), Failure> {
    let mut wake = bus.outbox_wake(PLATFORM);
    let mut running = JoinSet::new();
    loop {
        while running.try_join_next().is_some() {}
        let rows = bus.lease_outbox(epoch, PLATFORM, 64).await?;
        if rows.is_empty() {
            wake.wait().await;
        }
        for row in rows {
            let (bus, waiting) = (bus.clone(), Arc::clone(&waiting));
            running.spawn(async move { send(&bus, epoch, row, &waiting).await });
        }
    }
}

/// The far side has the answer before the bus knows that it has.
async fn send(bus: &Bus, epoch: Epoch, row: OutboxRow, waiting: &Waiting) -> Result<(), Failure> {
    if let Some(answered) = waiting.sessions.lock().await.remove(&row.session_key) {
        let _ = answered.send(());
    }
    bus.sent(row.id, epoch, Some(json!({ "message_id": row.id }))).await?;
    Ok(())
}

/// The rows of messages in their final form: each commit has one for every message in flight, and
/// nothing else is done.
fn ceiling(path: &Path, load: &Load) -> Result<Vec<Duration>, Failure> {
    let mut connection = Connection::open(path)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    let until = Instant::now() + Duration::from_secs(load.seconds);
    let mut latencies = Vec::new();
    let mut name = 0_u64;
    while Instant::now() < until {
        let began = Instant::now();
        let transaction = connection.transaction()?;
        for number in 0..load.in_flight {
            store(&transaction, number, name)?;
            name += 1;
        }
        transaction.commit()?;
        latencies.extend(std::iter::repeat_n(began.elapsed(), load.in_flight));
    }
    Ok(latencies)
}

fn store(connection: &Connection, number: usize, name: u64) -> Result<(), Failure> {
    let session = format!("{PLATFORM}:FriendMessage:{number}");
    let new = message(name, &session, number);
    let content = json!({ "role": "user", "content": [{ "type": "text", "text": QUESTION }] });
    let sent = json!({ "message": { "chain": [{ "type": "Plain", "text": QUESTION }] } });
    connection
        .prepare_cached(
            "INSERT INTO inbox (platform_id, platform_message_id, conversation_key, payload, state,
                 head, available_at, received_at, accepted_at, finished_at)
             VALUES ('load', ?, ?, ?, 'done', 0, 1, 1, 1, 1)",
        )?
        .execute(params![new.platform_message_id, session, new.payload.to_string()])?;
    let id = connection.last_insert_rowid();
    connection
        .prepare_cached("INSERT INTO inbox_keys VALUES ('load', ?, ?, 1)")?
        .execute(params![new.platform_message_id, id])?;
    connection
        .prepare_cached(
            "INSERT INTO conversation_messages
                 (conversation_id, role, content, tokens, created_at)
             SELECT conversation_id, 'user', ?2, 1, 1 FROM conversations WHERE umo = ?1
             UNION ALL
             SELECT conversation_id, 'assistant', ?2, 1, 1 FROM conversations WHERE umo = ?1",
        )?
        .execute(params![session, content.to_string()])?;
    connection
        .prepare_cached(
            "INSERT INTO outbox (inbox_id, platform_id, session_key, idempotency_key, resend_safe,
                 payload, state, head, available_at, created_at, finished_at)
             VALUES (?, 'load', ?, ?, 0, ?, 'sent', 0, 1, 1, 1)",
        )?
        .execute(params![id, session, new.platform_message_id, sent.to_string()])?;
    Ok(())
}
