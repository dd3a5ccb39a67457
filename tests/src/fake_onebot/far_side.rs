//! The fake as its users see it.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, Result};
use reqwest::Client;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::record::{Asked, Handshake};
use super::reply::Reply;
use super::shared::{Account, Out, Role, Shared};
use super::{api, event, forward, http, reverse};

/// A fake OneBot implementation, running in a thread of its own until it is dropped.
pub struct FakeOneBot {
    shared: Arc<Shared>,
    address: Option<String>,
    callbacks: Option<Client>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl FakeOneBot {
    /// Connects to the gateway's WebSocket server, such as `ws://127.0.0.1:6199`: one connection for
    /// each role.
    pub fn reverse(account: Account, gateway: &str, roles: &[Role]) -> Result<Self> {
        let shared = Arc::new(Shared::new(account, gateway));
        let (runtime, mut tasks) = (runtime()?, JoinSet::new());
        for role in roles {
            tasks.spawn_on(reverse::run(Arc::clone(&shared), *role), runtime.handle());
        }
        Self::run(shared, None, None, runtime, tasks)
    }

    /// Listens for a gateway that connects to [`Self::address`].
    pub fn forward(account: Account) -> Result<Self> {
        let shared = Arc::new(Shared::new(account, ""));
        let (runtime, mut tasks) = (runtime()?, JoinSet::new());
        let (listener, port) = listen(&runtime)?;
        tasks.spawn_on(forward::run(Arc::clone(&shared), listener), runtime.handle());
        Self::run(shared, Some(format!("ws://127.0.0.1:{port}")), None, runtime, tasks)
    }

    /// Posts events to the callback, and answers actions at [`Self::address`].
    pub fn http(account: Account, callback: &str) -> Result<Self> {
        let shared = Arc::new(Shared::new(account, callback));
        let (runtime, mut tasks) = (runtime()?, JoinSet::new());
        let (listener, port) = listen(&runtime)?;
        tasks.spawn_on(api::run(Arc::clone(&shared), listener), runtime.handle());
        let address = Some(format!("http://127.0.0.1:{port}"));
        Self::run(shared, address, Some(http::client()?), runtime, tasks)
    }

    fn run(
        shared: Arc<Shared>,
        address: Option<String>,
        callbacks: Option<Client>,
        runtime: tokio::runtime::Runtime,
        mut tasks: JoinSet<()>,
    ) -> Result<Self> {
        let (stop, stopped) = oneshot::channel();
        let thread =
            std::thread::Builder::new().name("fake-onebot".to_owned()).spawn(move || {
                runtime.block_on(async {
                    let _dropping_the_sender_stops_too = stopped.await;
                    tasks.shutdown().await;
                });
            })?;
        Ok(Self { shared, address, callbacks, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens, as `ws://…` or `http://…`; nowhere when it is a client.
    pub fn address(&self) -> &str {
        self.address.as_deref().unwrap_or_default()
    }

    /// The account it is logged in with.
    pub fn account(&self) -> &Account {
        &self.shared.account
    }

    /// The next action that [`Self::when_action`] does not claim is answered like this.
    pub fn push(&self, reply: Reply) {
        self.shared.push(reply);
    }

    /// This action is always answered like this.
    pub fn when_action(&self, action: &str, reply: Reply) {
        self.shared.when_action(action, reply);
    }

    /// Every other action is answered like this.
    pub fn otherwise(&self, reply: Reply) {
        self.shared.otherwise(reply);
    }

    /// How often it says that it is well; never with none. Five seconds at first.
    pub fn heartbeat(&self, interval: Option<Duration>) {
        self.shared.heartbeat.send_replace(interval);
    }

    /// Connects, or posts, elsewhere from now on.
    pub fn move_to(&self, gateway: &str) {
        self.shared.gateway.send_replace(gateway.to_owned());
    }

    /// Breaks every connection without a word; it comes back at once.
    pub fn cut(&self) {
        self.shared.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Closes every connection properly and stays away, or comes back.
    pub fn present(&self, present: bool) {
        self.shared.present.send_replace(present);
    }

    /// Returns once a connection that carries events is open.
    pub async fn connected(&self) {
        let mut open = self.shared.open.subscribe();
        // The sender lives as long as the fake.
        let _ = open.wait_for(|open| !open.is_empty()).await;
    }

    /// Returns once no connection that carries events is open.
    pub async fn disconnected(&self) {
        let mut open = self.shared.open.subscribe();
        let _ = open.wait_for(std::collections::BTreeMap::is_empty).await;
    }

    /// A message in a group, with a number of its own; it is known to `get_msg`.
    pub fn group_message(&self, group: i64, user: i64, segments: &[Value]) -> Value {
        let (me, id) = (self.shared.account.self_id, self.shared.next_message_id());
        let event = event::group_message(me, id, group, user, segments);
        self.shared.remember(id, event.clone());
        event
    }

    /// A message to the account alone, with a number of its own; it is known to `get_msg`.
    pub fn private_message(&self, user: i64, segments: &[Value]) -> Value {
        let (me, id) = (self.shared.account.self_id, self.shared.next_message_id());
        let event = event::private_message(me, id, user, segments);
        self.shared.remember(id, event.clone());
        event
    }

    /// Brings an event to the gateway, for as long as it takes: over HTTP until it is acknowledged,
    /// else until it is written to a connection. Answers with how often it was tried.
    pub async fn say(&self, event: &Value) -> Result<u32> {
        if let Some(client) = &self.callbacks {
            return http::deliver(&self.shared, client, event).await;
        }
        let mut attempts = 1;
        while !self.say_raw(&event.to_string()).await {
            attempts += 1;
        }
        Ok(attempts)
    }

    /// Posts an event once over HTTP, and answers with the status.
    pub async fn post(&self, event: &Value) -> Result<u16> {
        let client = self.callbacks.as_ref().context("this fake does not post")?;
        http::post(&self.shared, client, event).await
    }

    /// Writes anything as a text frame to a connection that carries events, once there is one;
    /// answers whether it was written.
    pub async fn say_raw(&self, text: &str) -> bool {
        self.connected().await;
        let newest = self.shared.open.borrow().values().next_back().cloned();
        let Some(connection) = newest else { return false };
        let (written, wait) = oneshot::channel();
        connection.send(Out::Event { text: text.to_owned(), written }).is_ok() && wait.await.is_ok()
    }

    /// Every action so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.shared.records.asked_since(0)
    }

    /// Returns once there are more actions than that, with those after the first so many.
    pub async fn asked_after(&self, place: usize) -> Vec<Asked> {
        self.shared.records.wait(|asked, _| asked.len() > place).await;
        self.shared.records.asked_since(place)
    }

    /// The number of the newest connection there was.
    pub fn newest_connection(&self) -> u64 {
        self.shared.newest_connection()
    }

    /// The messages that the chat shows.
    pub fn shown(&self) -> Vec<Asked> {
        let mut shown = self.asked();
        shown.retain(|asked| asked.shown.is_some());
        shown
    }

    /// Returns once the condition holds of the list of actions, with the list.
    pub async fn wait(&self, condition: impl Fn(&[Asked]) -> bool) -> Vec<Asked> {
        self.shared.records.wait(|asked, _| condition(asked)).await;
        self.asked()
    }

    /// Returns once the chat shows so many messages, with them.
    pub async fn shows(&self, count: usize) -> Vec<Asked> {
        let shown = |asked: &[Asked]| asked.iter().filter(|asked| asked.shown.is_some()).count();
        self.shared.records.wait(|asked, _| shown(asked) >= count).await;
        self.shown()
    }

    /// Every attempt to connect so far, refused or not, and every request of the HTTP API.
    pub fn handshakes(&self) -> Vec<Handshake> {
        self.shared.records.handshakes()
    }

    /// Returns once the condition holds of the list of attempts to connect, with the list.
    pub async fn shaken(&self, condition: impl Fn(&[Handshake]) -> bool) -> Vec<Handshake> {
        self.shared.records.wait(|_, handshakes| condition(handshakes)).await;
        self.handshakes()
    }
}

impl Drop for FakeOneBot {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _its_end_is_all_we_wait_for = thread.join();
        }
    }
}

fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

/// A free port. The caller may be inside of another runtime, so nothing is waited for.
fn listen(runtime: &tokio::runtime::Runtime) -> Result<(TcpListener, u16)> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let port = listener.local_addr()?.port();
    let _inside = runtime.enter();
    Ok((TcpListener::from_std(listener)?, port))
}
