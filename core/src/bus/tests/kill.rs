//! A process that is killed, for real: this test starts itself as a child and kills it.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::bench::{answer, answers, message};
use crate::bus::{Accepted, Bus, BusSettings, InboxState};
use crate::db::Database;

/// Where the child finds its database. Without it the child test does nothing.
const PLACE: &str = "FIRSTLIGHT_TEST_KILL_DATABASE";
const ROUNDS: usize = 4;

fn child(path: &Path, round: usize) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["bus::tests::kill::child_that_works_until_it_is_killed", "--exact", "--nocapture"])
        .env(PLACE, format!("{round}:{}", path.display()))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

async fn open(path: &Path) -> Bus {
    Bus::new(Database::open(path).await.unwrap(), BusSettings::default())
}

/// Accepts and answers messages as fast as it can, and says so after each answer of the bus.
#[tokio::test]
async fn child_that_works_until_it_is_killed() {
    let Ok(place) = std::env::var(PLACE) else { return };
    let (round, path) = place.split_once(':').unwrap();
    let bus = open(Path::new(path)).await;
    let (epoch, _) = bus.take_over().await.unwrap();
    let mut said = std::io::stdout();
    for n in 0.. {
        let conversation = format!("c{}", n % 3);
        let accepted = bus.accept(message(&format!("{round}-{n}"), &conversation)).await.unwrap();
        let Accepted::New(id) = accepted else { panic!("{accepted:?}") };
        writeln!(said, "accepted {id}").unwrap();
        if n % 2 == 0 {
            for row in bus.lease_next(epoch, 10).await.unwrap() {
                let finish = answers(vec![answer("1", &row.id.to_string(), true)]);
                bus.finish(row.id, epoch, finish).await.unwrap();
                writeln!(said, "finished {}", row.id).unwrap();
            }
        }
    }
}

#[tokio::test]
async fn what_a_killed_process_had_accepted_or_answered_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("firstlight.db");
    let (mut accepted, mut finished) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let mut child = child(&path, round);
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut heard = 0;
        for line in lines.map_while(Result::ok) {
            if let Some(id) = line.strip_prefix("accepted ") {
                accepted.push(id.parse::<i64>().unwrap());
                heard += 1;
            } else if let Some(id) = line.strip_prefix("finished ") {
                finished.push(id.parse::<i64>().unwrap());
            }
            if heard == 40 + round * 7 {
                // Whatever is still in the pipe was said before the kill and is read after it.
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(heard >= 40, "the child ended by itself after {heard} messages");
    }
    let bus = open(&path).await;
    for id in &accepted {
        let row = bus.inbox_row(*id).await.unwrap();
        assert!(row.is_some(), "{id} was accepted and is gone");
    }
    for id in &finished {
        assert_eq!(bus.inbox_row(*id).await.unwrap().unwrap().state, InboxState::Done);
        assert_eq!(bus.answers_to(*id).await.unwrap().len(), 1, "the answer to {id}");
    }
    let (epoch, _) = bus.take_over().await.unwrap();
    loop {
        let rows = bus.lease_next(epoch, 100).await.unwrap();
        if rows.is_empty() {
            break;
        }
        for row in rows {
            bus.finish(row.id, epoch, answers(vec![answer("1", "late", true)])).await.unwrap();
        }
    }
    for id in accepted {
        assert_eq!(bus.answers_to(id).await.unwrap().len(), 1, "the answer to {id}");
    }
}
