//! The two loads: a number of messages in flight, and a rate.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde::Serialize;
use tokio::time::{Instant, timeout};

use super::peer::Peer;

/// An answer that does not come for so long is lost.
const PATIENCE: Duration = Duration::from_secs(30);
/// What is asked at the beginning is not counted: connections and statements are being made.
const WARM_UP: f64 = 0.15;

/// As many messages in flight as it says, for a while.
pub struct Load {
    /// Where the gateway takes OneBot connections.
    pub address: SocketAddr,
    /// Messages in flight, each in another conversation.
    pub in_flight: usize,
    /// Conversations they are spread over.
    pub conversations: u64,
    /// For how long.
    pub seconds: f64,
}

/// Messages at a rate, whatever comes back.
pub struct Flood {
    /// Where the gateway takes OneBot connections.
    pub address: SocketAddr,
    /// Messages a second.
    pub rate: f64,
    /// Conversations they are spread over.
    pub conversations: u64,
    /// For how long.
    pub seconds: f64,
}

/// What was measured.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Questions that were asked.
    pub asked: usize,
    /// Questions that were answered.
    pub answered: usize,
    /// Questions without an answer, at the end of all patience.
    pub lost: usize,
    /// Answers that came before the answer to an earlier question of their conversation.
    pub out_of_order: usize,
    /// Answers to what was answered already.
    pub repeated: usize,
    /// Answers a second, without the warm-up.
    pub rate: f64,
    /// Half of the answers took no longer, in milliseconds.
    pub p50_ms: f64,
    /// All but one in a hundred took no longer.
    pub p99_ms: f64,
    /// The longest.
    pub max_ms: f64,
    /// From the first question to the last answer.
    pub seconds: f64,
}

/// A question.
struct Asked {
    conversation: u64,
    at: Instant,
    /// When its answer came.
    answered: Option<Instant>,
}

/// What was asked and answered so far.
struct Book {
    began: Instant,
    asked: Vec<Asked>,
    /// The number of the latest answered question of each conversation.
    latest: Vec<Option<usize>>,
    report: Report,
}

impl Book {
    fn new(conversations: u64) -> Result<Self> {
        let latest = vec![None; usize::try_from(conversations)?];
        Ok(Self { began: Instant::now(), asked: Vec::new(), latest, report: Report::default() })
    }

    /// Asks in the conversation; the question counts from the time it is given.
    fn ask(&mut self, peer: &Peer, conversation: u64, at: Instant) -> Result<()> {
        let number = self.asked.len();
        self.asked.push(Asked { conversation, at, answered: None });
        peer.ask(conversation, number)
    }

    /// Notes an answer and says in which conversation it is, unless that was known.
    fn answered(&mut self, number: usize) -> Result<Option<u64>> {
        let asked = self.asked.get_mut(number).context("an answer to nothing")?;
        if asked.answered.is_some() {
            self.report.repeated += 1;
            return Ok(None);
        }
        asked.answered = Some(Instant::now());
        self.report.answered += 1;
        let conversation = asked.conversation;
        let latest = self.latest.get_mut(usize::try_from(conversation)?).context("no such one")?;
        if latest.is_some_and(|latest| latest > number) {
            self.report.out_of_order += 1;
        }
        *latest = (*latest).max(Some(number));
        Ok(Some(conversation))
    }

    fn is_complete(&self) -> bool {
        self.report.answered == self.asked.len()
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of messages are small")]
    fn close(mut self, warm_up: Duration) -> Report {
        let from = self.began + warm_up;
        let counted = self.asked.iter().filter(|asked| asked.at >= from);
        let pairs = counted.filter_map(|asked| Some((asked.at, asked.answered?)));
        let mut times: Vec<Duration> = pairs.clone().map(|(at, answered)| answered - at).collect();
        let last = pairs.map(|(_, answered)| answered).max().unwrap_or(from);
        times.sort_unstable();
        let at = |share: usize| times.get((times.len() * share / 100).min(times.len() - 1));
        let millis = |time: Option<&Duration>| time.map_or(0.0, |time| time.as_secs_f64() * 1e3);
        if !times.is_empty() {
            self.report.p50_ms = millis(at(50));
            self.report.p99_ms = millis(at(99));
            self.report.max_ms = millis(times.last());
            self.report.rate = times.len() as f64 / (last - from).as_secs_f64();
        }
        self.report.asked = self.asked.len();
        self.report.lost = self.report.asked - self.report.answered;
        self.report.seconds = (last - self.began).as_secs_f64();
        self.report
    }
}

impl Load {
    /// Runs it to its end, the last answers included.
    pub async fn run(&self) -> Result<Report> {
        let in_flight = u64::try_from(self.in_flight)?;
        ensure!(self.conversations >= in_flight, "each message needs a conversation of its own");
        let mut peer = Peer::connect(self.address).await?;
        let mut book = Book::new(self.conversations)?;
        let mut idle: VecDeque<u64> = (0..self.conversations).collect();
        let until = book.began + Duration::from_secs_f64(self.seconds);
        for conversation in idle.drain(..self.in_flight).collect::<Vec<_>>() {
            book.ask(&peer, conversation, Instant::now())?;
        }
        while !book.is_complete() {
            let Ok(answers) = timeout(PATIENCE, peer.answers()).await else { break };
            for number in answers? {
                let Some(conversation) = book.answered(number)? else { continue };
                idle.push_back(conversation);
                if Instant::now() < until
                    && let Some(next) = idle.pop_front()
                {
                    book.ask(&peer, next, Instant::now())?;
                }
            }
        }
        Ok(book.close(Duration::from_secs_f64(self.seconds * WARM_UP)))
    }
}

impl Flood {
    /// Runs it until everything is answered. What a gateway does not take waits here; a question
    /// counts from when it was due.
    pub async fn run(&self) -> Result<Report> {
        let mut peer = Peer::connect_twice(self.address).await?;
        let mut book = Book::new(self.conversations)?;
        let pace = Duration::from_secs_f64(1.0 / self.rate);
        let until = book.began + Duration::from_secs_f64(self.seconds);
        let mut due = book.began;
        while due < until || !book.is_complete() {
            let now = Instant::now();
            while due < until && due <= now {
                let conversation = u64::try_from(book.asked.len())? % self.conversations;
                book.ask(&peer, conversation, due)?;
                due += pace;
            }
            let wait = if due < until { due.saturating_duration_since(now) } else { PATIENCE };
            match timeout(wait, peer.answers()).await {
                Ok(answers) => {
                    for number in answers? {
                        book.answered(number)?;
                    }
                }
                Err(_) if due >= until => break,
                Err(_) => {}
            }
        }
        Ok(book.close(Duration::ZERO))
    }
}
