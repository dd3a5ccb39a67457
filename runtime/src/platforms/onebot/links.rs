//! The open connections, and calls over them.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use firstlight_core::failpoint::Point;
use jiff::Timestamp;
use parking_lot::{Mutex, RwLock};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, timeout_at};

use super::answers::{CallError, Waiting};
use super::http_api::HttpApi;

/// How many calls may wait to be written on one connection.
const QUEUE: usize = 64;

/// What a connection is for (OneBot v11, "Reverse WebSocket").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Events and calls.
    Universal,
    /// Events only.
    Event,
    /// Calls only.
    Api,
}

/// One open connection.
pub(super) struct Link {
    number: u64,
    pub(super) role: Role,
    account: Mutex<String>,
    pub(super) waiting: Waiting,
    calls: mpsc::Sender<Written>,
}

/// A call to be written. The receiver learns whether it was; when this is dropped, it was not.
pub(super) struct Written {
    pub(super) text: String,
    pub(super) done: oneshot::Sender<()>,
}

/// All open connections of a platform.
pub(super) struct Links {
    open: RwLock<Vec<Arc<Link>>>,
    numbers: AtomicU64,
    heard: AtomicI64,
    online: watch::Sender<bool>,
    http: Option<HttpApi>,
}

impl Link {
    /// Whose connection it is; empty while nobody has said.
    pub(super) fn account(&self) -> String {
        self.account.lock().clone()
    }

    /// The far side said whose connection it is.
    pub(super) fn belongs_to(&self, account: &str) {
        let mut known = self.account.lock();
        if known.is_empty() {
            known.push_str(account);
        }
    }

    fn takes_calls(&self) -> bool {
        !matches!(self.role, Role::Event) && !self.calls.is_closed()
    }
}

impl Links {
    pub(super) fn new(http: Option<HttpApi>) -> Self {
        Self {
            open: RwLock::default(),
            numbers: AtomicU64::new(1),
            heard: AtomicI64::new(0),
            online: watch::Sender::new(http.is_some()),
            http,
        }
    }

    /// Adds a connection, with the calls that are to be written on it.
    pub(super) fn open(&self, role: Role, account: String) -> (Arc<Link>, mpsc::Receiver<Written>) {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let link = Arc::new(Link {
            number: self.numbers.fetch_add(1, Ordering::Relaxed),
            role,
            account: Mutex::new(account),
            waiting: Waiting::open(),
            calls: sender,
        });
        self.open.write().push(Arc::clone(&link));
        self.tell();
        (link, receiver)
    }

    /// Takes a connection out, and ends what waits for it.
    pub(super) fn close(&self, link: &Link) {
        self.open.write().retain(|open| open.number != link.number);
        link.waiting.close();
        self.tell();
    }

    /// The far side was heard of.
    pub(super) fn heard(&self) {
        self.heard.store(Timestamp::now().as_millisecond(), Ordering::Relaxed);
    }

    pub(super) fn last_heard(&self) -> Option<Timestamp> {
        let at = self.heard.load(Ordering::Relaxed);
        Timestamp::from_millisecond(at).ok().filter(|_| at > 0)
    }

    /// One line for each connection.
    pub(super) fn lines(&self) -> Vec<String> {
        let open = self.open.read();
        open.iter().map(|link| format!("{:?} {}", link.role, link.account())).collect()
    }

    /// Resolves once calls can be made.
    pub(super) async fn online(&self) {
        // The sender lives as long as this is borrowed, so waiting cannot fail.
        let _ = self.online.subscribe().wait_for(|online| *online).await;
    }

    /// Makes a call for an account; an empty one leaves the choice.
    pub(super) async fn call(
        &self,
        account: &str,
        action: &str,
        params: Value,
        limit: Duration,
    ) -> Result<Value, CallError> {
        let deadline = Instant::now() + limit;
        match (self.choose(account), &self.http) {
            (Some(link), _) => self.over(&link, action, params, deadline).await,
            (None, Some(http)) => http.call(action, &params, deadline).await,
            (None, None) => Err(CallError::Offline),
        }
    }

    async fn over(
        &self,
        link: &Link,
        action: &str,
        params: Value,
        deadline: Instant,
    ) -> Result<Value, CallError> {
        let echo = self.numbers.fetch_add(1, Ordering::Relaxed).to_string();
        let answer = link.waiting.enter(&echo).ok_or(CallError::Offline)?;
        let text = json!({ "action": action, "params": params, "echo": echo }).to_string();
        let made = async {
            let (done, written) = oneshot::channel();
            Point::FrameUnwritten.pass();
            let queued = link.calls.send(Written { text, done }).await;
            queued.map_err(|_| CallError::Offline)?;
            written.await.map_err(|_| CallError::Offline)?;
            Point::FrameWritten.pass();
            let answer = answer.await.map_err(|_| CallError::Lost)?;
            Point::FrameAnswered.pass();
            answer.result()
        };
        let made = timeout_at(deadline, made).await;
        link.waiting.leave(&echo);
        made.unwrap_or(Err(CallError::TimedOut))
    }

    /// The connection of the account; the latest one where there are several. One that has not said
    /// whose it is may be anybody's. Nothing is sent from another account than the one asked for.
    fn choose(&self, account: &str) -> Option<Arc<Link>> {
        let open = self.open.read();
        let able = || open.iter().rev().filter(|link| link.takes_calls());
        if account.is_empty() {
            return able().next().cloned();
        }
        let own = able().find(|link| *link.account.lock() == account);
        own.or_else(|| able().find(|link| link.account.lock().is_empty())).cloned()
    }

    fn tell(&self) {
        let able = self.http.is_some() || self.open.read().iter().any(|link| link.takes_calls());
        self.online.send_if_modified(|online| std::mem::replace(online, able) != able);
    }
}
