//! The bus as a whole: who owns it, and how those who work on it are woken.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::sync::watch;

use super::leasing::Leased;
use super::{BusError, BusSettings, Clock, Queue, inbox_steps, outbox_steps};
use crate::db::{Database, Order};

/// Which owner: the number goes up with every take-over, and only the latest may work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Epoch(pub(super) i64);

/// What the last owner left behind, and what became of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Messages whose turn is begun again.
    pub turns: usize,
    /// Messages that are sent again, because that does no harm.
    pub resends: usize,
    /// Messages that may have been sent.
    pub uncertain: usize,
    /// Messages that had their attempts.
    pub dead: usize,
}

/// The bus. Clones share it.
#[derive(Clone)]
pub struct Bus {
    pub(super) database: Database,
    pub(super) settings: Arc<BusSettings>,
    pub(super) clock: Clock,
    inbox: Arc<watch::Sender<u64>>,
    outbox: Arc<watch::Sender<u64>>,
    due: Due,
}

/// When the next row of the inbox (none) or of a platform's outbox is due, as the last lease saw it.
/// Whatever changes that wakes who leases.
type Due = Arc<Mutex<HashMap<Option<String>, Option<i64>>>>;

/// Who is woken by a change.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wakes {
    pub(super) inbox: bool,
    pub(super) outbox: bool,
}

impl Bus {
    /// The bus in that database. There should be one per process: it is what wakes the workers.
    pub fn new(database: Database, settings: BusSettings) -> Self {
        Self::with_clock(database, settings, Clock::default())
    }

    /// [`Self::new`] with another clock.
    pub fn with_clock(database: Database, settings: BusSettings, clock: Clock) -> Self {
        Self {
            database,
            settings: Arc::new(settings),
            clock,
            inbox: Arc::new(watch::Sender::new(0)),
            outbox: Arc::new(watch::Sender::new(0)),
            due: Due::default(),
        }
    }

    /// The limits it was made with.
    pub fn settings(&self) -> &BusSettings {
        &self.settings
    }

    /// Makes the caller the owner, and takes back what earlier owners were working on.
    ///
    /// An owner that was not asked to let go has crashed, so its attempts count: a message that
    /// ends the process each time becomes a dead letter in the end.
    pub async fn take_over(&self) -> Result<(Epoch, Recovered), BusError> {
        let (now, settings) = (self.clock.now(), self.settings.clone());
        self.both_change(move |connection| {
            let epoch = connection.query_row(
                "UPDATE bus_owner SET epoch = epoch + 1 RETURNING epoch",
                [],
                |row| row.get(0),
            )?;
            let mut recovered = Recovered::default();
            inbox_steps::recover(connection, None, &settings, now, &mut recovered)?;
            outbox_steps::recover(connection, None, &settings, now, &mut recovered)?;
            Ok((Epoch(epoch), recovered))
        })
        .await
    }

    /// Takes back what this owner was working on, as a stop or a failed bootstrap does.
    ///
    /// The attempts that were cut short do not count against their messages.
    pub async fn release(&self, epoch: Epoch) -> Result<Recovered, BusError> {
        let (now, settings) = (self.clock.now(), self.settings.clone());
        self.both_change(move |connection| {
            let mut recovered = Recovered::default();
            inbox_steps::recover(connection, Some(epoch), &settings, now, &mut recovered)?;
            outbox_steps::recover(connection, Some(epoch), &settings, now, &mut recovered)?;
            Ok(recovered)
        })
        .await
    }

    /// Wakes who works on the inbox.
    pub fn inbox_wake(&self) -> Wake {
        Wake { bus: self.clone(), changes: self.inbox.subscribe(), platform_id: None }
    }

    /// Wakes who sends for that platform.
    pub fn outbox_wake(&self, platform_id: &str) -> Wake {
        let platform_id = Some(platform_id.to_owned());
        Wake { bus: self.clone(), changes: self.outbox.subscribe(), platform_id }
    }

    /// Runs a job, then wakes who works on these queues, whether or not the caller still waits.
    pub(super) async fn change<T, F>(&self, queues: &[Queue], job: F) -> Result<T, BusError>
    where
        F: Fn(&Connection) -> Result<T, BusError> + Send + 'static,
        T: Send + 'static,
    {
        let wakes = Wakes {
            inbox: queues.contains(&Queue::Inbox),
            outbox: queues.contains(&Queue::Outbox),
        };
        self.change_and_wake(job, move |_| wakes).await
    }

    /// [`Self::change`], where it depends on the outcome who has something to do.
    pub(super) async fn change_and_wake<T, F>(
        &self,
        job: F,
        wakes: impl FnOnce(&T) -> Wakes + Send + 'static,
    ) -> Result<T, BusError>
    where
        F: Fn(&Connection) -> Result<T, BusError> + Send + 'static,
        T: Send + 'static,
    {
        let (inbox, outbox) = (Arc::clone(&self.inbox), Arc::clone(&self.outbox));
        let committed = move |outcome: &T| {
            let wakes = wakes(outcome);
            for (changes, wanted) in [(inbox, wakes.inbox), (outbox, wakes.outbox)] {
                if wanted {
                    changes.send_modify(|count| *count = count.wrapping_add(1));
                }
            }
        };
        self.database.write_directly(Order::AsItCame, job, committed).await
    }

    /// Takes rows out of a queue, once what is stored by the same commit is there, and notes when
    /// there will be more.
    pub(super) async fn lease<R, F>(
        &self,
        platform_id: Option<String>,
        order: Order,
        job: F,
    ) -> Result<Vec<(R, String)>, BusError>
    where
        F: Fn(&Connection) -> Result<Leased<R>, BusError> + Send + 'static,
        R: Send + 'static,
    {
        let due = Arc::clone(&self.due);
        let committed = move |leased: &Leased<R>| {
            due.lock().insert(platform_id, leased.next_due);
        };
        Ok(self.database.write_directly(order, job, committed).await?.rows)
    }

    pub(super) async fn both_change<T, F>(&self, job: F) -> Result<T, BusError>
    where
        F: Fn(&Connection) -> Result<T, BusError> + Send + 'static,
        T: Send + 'static,
    {
        self.change(&[Queue::Inbox, Queue::Outbox], job).await
    }
}

impl Epoch {
    /// Only the latest owner may lease.
    pub(super) fn check(self, current: Self) -> Result<(), BusError> {
        if current == self { Ok(()) } else { Err(BusError::Superseded { mine: self, current }) }
    }
}

/// Waits for work. Lease until nothing comes, then wait, then lease again.
pub struct Wake {
    bus: Bus,
    changes: watch::Receiver<u64>,
    platform_id: Option<String>,
}

impl Wake {
    /// Waits until there may be something to lease: something changed since the last wait, or the
    /// time of a delayed row has come. It may also return for nothing.
    pub async fn wait(&mut self) {
        /// A row that is due but cannot be leased (its platform's outbox is full) is looked at
        /// again at this pace rather than all the time.
        const LEAST: i64 = 100;
        /// The clock may be set, so that far-away times are not slept towards in one go.
        const MOST: i64 = 60_000;
        // Before the first lease nobody knows.
        let due = self.bus.due.lock().get(&self.platform_id).copied().unwrap_or(Some(0));
        let delay = due.map_or(MOST, |due| (due - self.bus.clock.now()).clamp(LEAST, MOST));
        let delay = Duration::from_millis(delay.unsigned_abs());
        // The bus is alive as long as this is, so `changed` cannot fail.
        let _ = tokio::time::timeout(delay, self.changes.changed()).await;
    }
}
