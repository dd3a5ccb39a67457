//! Runs: the answers that are under way, and who listens to them.
//!
//! A run is independent of its listeners: a client that goes away does not end it, and one that
//! comes back gets a snapshot and the rest. What a run has answered becomes durable when its turn
//! is committed; the runs themselves are only the live view.

use std::collections::HashMap;
use std::sync::Arc;

use firstlight_core::model::ChatAddress;
use parking_lot::Mutex;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::event::{ChatEvent, RunContent, RunReference, RunSnapshot, RunStatus, SavedMessage};

/// How many events a listener may be behind before it is cut off; it then comes back for a snapshot.
const LISTENER_BOUND: usize = 256;

/// How much news a watcher may be behind.
const NEWS_BOUND: usize = 256;

/// All runs that are under way; cheap to clone.
#[derive(Debug, Clone)]
pub struct Runs(Arc<Hub>);

#[derive(Debug)]
struct Hub {
    runs: Mutex<HashMap<Uuid, Arc<Run>>>,
    news: broadcast::Sender<News>,
}

/// What happens in sessions, for whoever looks at them.
#[derive(Debug, Clone)]
pub enum News {
    /// An answer has begun, or waits for its turn.
    Opened(Uuid),
    /// The bot has said something that answers nothing.
    Said(Arc<Said>),
}

/// Something that the bot has said by itself.
#[derive(Debug)]
pub struct Said {
    /// Where.
    pub address: ChatAddress,
    /// Its id, as a message of its own.
    pub message_id: Uuid,
    /// What, in the shape of an answer of its own.
    pub events: Vec<ChatEvent>,
}

/// One answer that is under way.
#[derive(Debug)]
pub struct Run {
    id: Uuid,
    address: ChatAddress,
    /// Cancelled when the user asks to stop.
    stop: CancellationToken,
    /// The state and the sending side change together, so that a snapshot and what follows it fit
    /// without a gap or an overlap.
    live: Mutex<Progress>,
}

#[derive(Debug)]
struct Progress {
    status: RunStatus,
    revision: u64,
    content: RunContent,
    listeners: broadcast::Sender<ChatEvent>,
}

/// One listener of a run: what there is already, and what is still to come.
#[derive(Debug)]
pub struct Listener {
    /// The run as it stood when the listener joined.
    pub snapshot: RunSnapshot,
    events: broadcast::Receiver<ChatEvent>,
}

/// What a listener gets next.
#[derive(Debug)]
pub enum Next {
    /// An event.
    Event(ChatEvent),
    /// The listener was too slow; it must come back for a snapshot.
    Lagged,
    /// The run is over.
    Ended,
}

impl Default for Runs {
    fn default() -> Self {
        let news = broadcast::Sender::new(NEWS_BOUND);
        Self(Arc::new(Hub { runs: Mutex::default(), news }))
    }
}

impl Runs {
    /// Finds a run, or begins one. Nothing when the id is that of a run in another session: who
    /// knows the id of a message must not get its answer by it.
    pub fn open(&self, id: Uuid, address: &ChatAddress) -> Option<Arc<Run>> {
        let mut runs = self.0.runs.lock();
        if let Some(run) = runs.get(&id) {
            return (run.address == *address).then(|| Arc::clone(run));
        }
        let run = Arc::new(Run::new(id, address.clone()));
        runs.insert(id, Arc::clone(&run));
        self.tell(News::Opened(id));
        Some(run)
    }

    /// What happens from now on.
    pub fn watch(&self) -> broadcast::Receiver<News> {
        self.0.news.subscribe()
    }

    pub(super) fn tell(&self, news: News) {
        // Nobody watching is the ordinary case.
        let _ = self.0.news.send(news);
    }

    /// Finds a run that is under way.
    pub fn find(&self, id: Uuid) -> Option<Arc<Run>> {
        self.0.runs.lock().get(&id).cloned()
    }

    /// The runs of a session that are under way.
    pub fn of_session(&self, session_id: &str) -> Vec<Arc<Run>> {
        let runs = self.0.runs.lock();
        runs.values().filter(|run| run.address.session_id() == session_id).cloned().collect()
    }

    /// Forgets a run. Its listeners get what was sent and then the end.
    pub fn close(&self, id: Uuid) {
        self.0.runs.lock().remove(&id);
    }
}

impl Run {
    fn new(id: Uuid, address: ChatAddress) -> Self {
        let progress = Progress {
            status: RunStatus::Running,
            revision: 0,
            content: RunContent::default(),
            listeners: broadcast::Sender::new(LISTENER_BOUND),
        };
        Self { id, address, stop: CancellationToken::new(), live: Mutex::new(progress) }
    }

    /// The run's id, which is also the id of the message it answers.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// The session it belongs to, and whose that is.
    pub fn address(&self) -> &ChatAddress {
        &self.address
    }

    /// Asks the run to stop: the model call is cancelled, and what was answered is kept.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Cancelled once the user asked to stop.
    pub fn stop_token(&self) -> &CancellationToken {
        &self.stop
    }

    /// Joins as a listener.
    pub fn listen(&self) -> Listener {
        let live = self.live.lock();
        Listener { snapshot: self.snapshot_of(&live), events: live.listeners.subscribe() }
    }

    /// The run as it stands.
    pub fn snapshot(&self) -> RunSnapshot {
        self.snapshot_of(&self.live.lock())
    }

    /// Tells the listeners that the message is durable.
    pub fn saved_user_message(&self, row: SavedMessage) {
        self.publish(ChatEvent::UserMessageSaved { data: row });
    }

    /// Begins the answer. What an interrupted attempt had answered is dropped: it is said anew.
    pub fn started(&self) {
        self.live.lock().content = RunContent::default();
        self.publish(ChatEvent::RunStarted {
            data: RunReference { run_id: self.id },
            streaming: false,
            message_id: self.id,
        });
    }

    /// Adds to the answer.
    pub fn text(&self, delta: &str) {
        self.add(delta, None);
    }

    /// Adds to the model's thoughts.
    pub fn reasoning(&self, delta: &str) {
        self.add(delta, Some("reasoning"));
    }

    fn add(&self, delta: &str, chain_type: Option<&'static str>) {
        let mut live = self.live.lock();
        live.revision += 1;
        match chain_type {
            Some(_) => live.content.reasoning.push_str(delta),
            None => live.content.text.push_str(delta),
        }
        // No listener is the ordinary case, not an error.
        let _ = live.listeners.send(ChatEvent::Plain {
            data: delta.to_owned(),
            streaming: true,
            chain_type,
            message_id: self.id,
        });
    }

    /// Tells the listeners something that is no part of the answer.
    pub fn publish(&self, event: ChatEvent) {
        let mut live = self.live.lock();
        live.revision += 1;
        let _ = live.listeners.send(event);
    }

    /// Ends the run for its listeners.
    pub fn end(&self, status: RunStatus) {
        self.live.lock().status = status;
        self.publish(ChatEvent::End { data: "", message_id: self.id });
    }

    fn snapshot_of(&self, live: &Progress) -> RunSnapshot {
        RunSnapshot {
            run_id: self.id,
            session_id: self.address.session_id().to_owned(),
            status: live.status,
            revision: live.revision,
            content: live.content.clone(),
        }
    }
}

impl Listener {
    /// Waits for the next event. Cancel-safe.
    pub async fn next(&mut self) -> Next {
        match self.events.recv().await {
            Ok(event) => Next::Event(event),
            Err(broadcast::error::RecvError::Lagged(_)) => Next::Lagged,
            Err(broadcast::error::RecvError::Closed) => Next::Ended,
        }
    }
}

#[cfg(test)]
mod tests {
    use firstlight_core::model::BuiltInChat;

    use super::*;

    fn at(username: &str) -> ChatAddress {
        ChatAddress::new(BuiltInChat::Web, username, "s").unwrap()
    }

    fn text_of(event: &ChatEvent) -> &str {
        match event {
            ChatEvent::Plain { data, .. } => data,
            other => panic!("expected a text, got {other:?}"),
        }
    }

    async fn next(listener: &mut Listener) -> ChatEvent {
        match listener.next().await {
            Next::Event(event) => event,
            other => panic!("expected an event, got {other:?}"),
        }
    }

    #[tokio::test]
    async fn a_late_listener_gets_a_snapshot_and_the_rest_without_gap_or_overlap() {
        let runs = Runs::default();
        let run = runs.open(Uuid::from_u128(1), &at("ada")).unwrap();
        run.text("one ");
        let mut late = runs.find(Uuid::from_u128(1)).unwrap().listen();
        run.text("two");
        assert_eq!(late.snapshot.content.text, "one ");
        assert_eq!(text_of(&next(&mut late).await), "two");
    }

    #[tokio::test]
    async fn a_listener_that_stays_behind_is_cut_off_and_the_run_goes_on() {
        let runs = Runs::default();
        let run = runs.open(Uuid::from_u128(1), &at("ada")).unwrap();
        let mut slow = run.listen();
        for _ in 0..=LISTENER_BOUND {
            run.text("x");
        }
        assert!(matches!(slow.next().await, Next::Lagged));
        assert_eq!(run.snapshot().content.text.len(), LISTENER_BOUND + 1);
    }

    #[tokio::test]
    async fn a_closed_run_ends_its_listeners_after_what_was_sent() {
        let runs = Runs::default();
        let run = runs.open(Uuid::from_u128(1), &at("ada")).unwrap();
        let mut listener = run.listen();
        run.end(RunStatus::Completed);
        runs.close(run.id());
        drop(run);
        assert!(matches!(next(&mut listener).await, ChatEvent::End { .. }));
        assert!(matches!(listener.next().await, Next::Ended));
        assert!(runs.of_session("s").is_empty());
    }

    #[test]
    fn who_knows_the_id_of_a_message_does_not_get_its_answer() {
        let runs = Runs::default();
        let run = runs.open(Uuid::from_u128(1), &at("ada")).unwrap();
        assert!(Arc::ptr_eq(&run, &runs.open(run.id(), &at("ada")).unwrap()));
        assert!(runs.open(run.id(), &at("eve")).is_none());
    }

    #[test]
    fn events_have_the_shape_of_the_contract() {
        let event = ChatEvent::SessionId { data: (), session_id: "s".into() };
        let json = serde_json::to_value(event).unwrap();
        assert_eq!(
            json,
            serde_json::json!({"type": "session_id", "data": null, "session_id": "s"})
        );
        let event = ChatEvent::Plain {
            data: "hi".into(),
            streaming: true,
            chain_type: None,
            message_id: Uuid::from_u128(1),
        };
        let json = serde_json::to_value(event).unwrap();
        assert_eq!(json["type"], "plain");
        assert!(json["chain_type"].is_null());
    }
}
