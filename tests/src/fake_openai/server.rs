//! The server and its script.

use std::any::Any;
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use actix_web::dev::{Extensions, Server, ServerHandle};
use actix_web::rt::System;
use actix_web::rt::net::TcpStream;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use bytes::Bytes;
use serde_json::{Value, json};

use super::answer;
use super::record::{Outcome, Recorded, Records};
use super::reply::Reply;

/// The fake, running in a thread of its own until it is dropped.
pub struct FakeOpenAi {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: ServerHandle,
    thread: Option<JoinHandle<io::Result<()>>>,
}

struct Shared {
    script: Mutex<Script>,
    records: Arc<Records>,
}

#[derive(Default)]
struct Script {
    next: VecDeque<Reply>,
    by_key: BTreeMap<String, Reply>,
    by_path: BTreeMap<String, Reply>,
    otherwise: Reply,
    models: Vec<String>,
}

/// A second handle on the connection's socket, for replies that break it.
struct Socket(OwnedFd);

impl FakeOpenAi {
    /// Starts one on a free port.
    #[expect(clippy::expect_used, reason = "a test without its peer has nothing to go on with")]
    pub fn start() -> Self {
        Self::start_on("127.0.0.1:0").expect("a free port on the loopback address")
    }

    /// Starts one on this address.
    pub fn start_on(address: &str) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        let models = vec!["fake-model".to_owned(), "fake-model-large".to_owned()];
        let script = Mutex::new(Script { models, ..Script::default() });
        let shared = Arc::new(Shared { script, records: Records::new() });
        let (started, server) = std::sync::mpsc::channel();
        let thread = std::thread::Builder::new().name("fake-openai".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || {
                System::new().block_on(async move {
                    let server = listen(listener, shared)?;
                    let _nobody_may_wait = started.send(server.handle());
                    server.await
                })
            }
        })?;
        let server = server.recv().map_err(|_| io::Error::other("the server did not start"))?;
        Ok(Self { address, shared, server, thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What a provider's `api_base` is set to.
    pub fn api_base(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// The next chat request that nothing else claims is answered like this.
    pub fn push(&self, reply: Reply) {
        self.script().next.push_back(reply);
    }

    /// Chat requests with this key are always answered like this.
    pub fn when_key(&self, key: &str, reply: Reply) {
        self.script().by_key.insert(key.to_owned(), reply);
    }

    /// Requests for this path, by any method, are always answered like this.
    pub fn when_path(&self, path: &str, reply: Reply) {
        self.script().by_path.insert(path.to_owned(), reply);
    }

    /// Every other chat request is answered like this.
    pub fn otherwise(&self, reply: Reply) {
        self.script().otherwise = reply;
    }

    /// What the list of models holds.
    pub fn models(&self, models: &[&str]) {
        self.script().models = models.iter().map(|model| (*model).to_owned()).collect();
    }

    /// Keeps no record from now on, so that any number of requests fits into memory.
    pub fn forgetful(&self) {
        self.shared.records.forget();
    }

    /// Every request so far.
    pub fn requests(&self) -> Vec<Recorded> {
        self.shared.records.all()
    }

    /// Returns once so many requests have come.
    pub async fn requested(&self, count: usize) -> Vec<Recorded> {
        self.shared.records.wait(|list| list.len() >= count).await
    }

    /// Returns once the condition holds of the list of requests.
    pub async fn wait(&self, condition: impl Fn(&[Recorded]) -> bool) -> Vec<Recorded> {
        self.shared.records.wait(condition).await
    }

    /// Returns once no request is being answered any more.
    pub async fn settled(&self) -> Vec<Recorded> {
        let done = |list: &[Recorded]| list.iter().all(|one| one.outcome != Outcome::Running);
        self.shared.records.wait(done).await
    }

    /// Serves until the process ends.
    pub fn run(mut self) -> anyhow::Result<()> {
        let thread = self.thread.take().map(JoinHandle::join);
        match thread {
            Some(Ok(ended)) => Ok(ended?),
            _ => anyhow::bail!("the server panicked"),
        }
    }

    fn script(&self) -> std::sync::MutexGuard<'_, Script> {
        self.shared.script.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for FakeOpenAi {
    fn drop(&mut self) {
        drop(self.server.stop(false));
        if let Some(thread) = self.thread.take() {
            let _its_end_is_all_we_wait_for = thread.join();
        }
    }
}

fn listen(listener: TcpListener, shared: Arc<Shared>) -> io::Result<Server> {
    let make = move || {
        let shared = Arc::clone(&shared);
        let limit = web::PayloadConfig::new(64 << 20);
        App::new().app_data(limit).default_service(web::to(move |request, body| {
            handle(Arc::clone(&shared), request, body)
        }))
    };
    let server = HttpServer::new(make)
        .workers(1)
        .disable_signals()
        // A client that hangs up is noticed at once, also while nothing is being sent to it.
        .h1_allow_half_closed(false)
        .shutdown_timeout(0)
        .on_connect(remember_socket)
        .listen(listener)?;
    Ok(server.run())
}

fn remember_socket(connection: &dyn Any, data: &mut Extensions) {
    let stream = connection.downcast_ref::<TcpStream>();
    if let Some(socket) = stream.and_then(|stream| stream.as_fd().try_clone_to_owned().ok()) {
        data.insert(Socket(socket));
    }
}

async fn handle(shared: Arc<Shared>, request: HttpRequest, body: Bytes) -> HttpResponse {
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let by_path = lock(&shared).by_path.get(request.path()).cloned();
    if let Some(reply) = by_path {
        let running = shared.records.add(record(&request, &body));
        return answer::respond(reply, &body, running, socket(&request)).await;
    }
    match (request.method().as_str(), request.path()) {
        ("POST", path) if path.ends_with("/chat/completions") => chat(shared, request, body).await,
        ("GET", path) if path.ends_with("/models") => models(&shared, &request, &body),
        ("POST", "/fake/push") => script(body, |reply| lock(&shared).next.push_back(reply)),
        ("POST", "/fake/otherwise") => script(body, |reply| lock(&shared).otherwise = reply),
        ("GET", "/fake/requests") => HttpResponse::Ok().json(shared.records.all()),
        _ => HttpResponse::NotFound().json(json!({"error": {"message": "no such path"}})),
    }
}

async fn chat(shared: Arc<Shared>, request: HttpRequest, body: Value) -> HttpResponse {
    let recorded = record(&request, &body);
    let reply = lock(&shared).choose(recorded.key.as_deref());
    let running = shared.records.add(recorded);
    answer::respond(reply, &body, running, socket(&request)).await
}

/// The connection's socket, for replies that break it.
fn socket(request: &HttpRequest) -> Option<TcpStream> {
    let socket = request.conn_data::<Socket>()?.0.try_clone().ok()?;
    TcpStream::from_std(std::net::TcpStream::from(socket)).ok()
}

fn models(shared: &Shared, request: &HttpRequest, body: &Value) -> HttpResponse {
    let recorded = record(request, body);
    let refusal = recorded.key.as_ref().and_then(|key| lock(shared).by_key.get(key).cloned());
    shared.records.add(recorded).answered();
    if let Some(Reply::Status { status, body, .. }) = refusal {
        let status = actix_web::http::StatusCode::from_u16(status).unwrap_or_default();
        return HttpResponse::build(status).content_type("application/json").body(body);
    }
    let list: Vec<_> = lock(shared).models.iter().map(|id| json!({"id": id})).collect();
    HttpResponse::Ok().json(json!({"object": "list", "data": list}))
}

fn script(body: Value, set: impl FnOnce(Reply)) -> HttpResponse {
    match serde_json::from_value(body) {
        Ok(reply) => {
            set(reply);
            HttpResponse::NoContent().finish()
        }
        Err(error) => HttpResponse::BadRequest().body(error.to_string()),
    }
}

fn record(request: &HttpRequest, body: &Value) -> Recorded {
    let headers: BTreeMap<String, String> = request
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into()))
        .collect();
    let bearer = headers.get("authorization").and_then(|value| value.strip_prefix("Bearer "));
    Recorded {
        method: request.method().to_string(),
        path: request.path().to_owned(),
        key: bearer.or(headers.get("api-key").map(String::as_str)).map(str::to_owned),
        body: body.clone(),
        outcome: Outcome::Running,
        headers,
    }
}

fn lock(shared: &Shared) -> std::sync::MutexGuard<'_, Script> {
    shared.script.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Script {
    fn choose(&mut self, key: Option<&str>) -> Reply {
        let by_key = key.and_then(|key| self.by_key.get(key)).cloned();
        by_key.or_else(|| self.next.pop_front()).unwrap_or_else(|| self.otherwise.clone())
    }
}
