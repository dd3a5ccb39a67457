//! A server over streamable HTTP on the loopback address.

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use actix_web::dev::{Server, ServerHandle};
use actix_web::http::header::HeaderMap;
use actix_web::rt::System;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use bytes::Bytes;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::UnboundedReceiverStream;

use super::protocol::{answer, list_changed};

const SESSION: &str = "mcp-session-id";
const PATH: &str = "/mcp/a-key-in-the-path";

/// The fake, running in a thread of its own until it is dropped.
pub struct FakeMcp {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: ServerHandle,
    thread: Option<JoinHandle<io::Result<()>>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    tools: Vec<String>,
    /// The open sessions with their event streams.
    sessions: BTreeMap<String, Vec<mpsc::UnboundedSender<Bytes>>>,
    begun: usize,
    deleted: usize,
    keys: Vec<String>,
    refuses: bool,
}

impl FakeMcp {
    /// Starts one on a free port.
    pub fn start(tools: &[&str]) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let shared = Arc::<Shared>::default();
        let (started, server) = std::sync::mpsc::channel();
        let thread = std::thread::Builder::new().name("fake-mcp".to_owned()).spawn({
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
        let fake = Self { address, shared, server, thread: Some(thread) };
        fake.offer(tools);
        Ok(fake)
    }

    /// Where it is reached.
    pub fn url(&self) -> String {
        format!("http://{}{PATH}", self.address)
    }

    /// Changes the tools and says so on every event stream.
    pub fn offer(&self, tools: &[&str]) {
        let mut state = self.shared.lock();
        state.tools = tools.iter().map(|&tool| tool.to_owned()).collect();
        let event = Bytes::from(format!("data: {}\n\n", list_changed()));
        for stream in state.sessions.values().flatten() {
            let _closed = stream.send(event.clone());
        }
    }

    /// Forgets every session, as a restart does.
    pub fn forget_sessions(&self) {
        self.shared.lock().sessions.clear();
    }

    /// Answers everything with 500 from now on, or no longer.
    pub fn refuse(&self, refuses: bool) {
        let mut state = self.shared.lock();
        state.refuses = refuses;
        if refuses {
            state.sessions.clear();
        }
    }

    /// How many sessions were begun, are open, and were deleted by the client.
    pub fn sessions(&self) -> (usize, usize, usize) {
        let state = self.shared.lock();
        (state.begun, state.sessions.len(), state.deleted)
    }

    /// How many event streams are open.
    pub fn streams(&self) -> usize {
        self.shared.lock().sessions.values().map(Vec::len).sum()
    }

    /// The `X-Key` of each request so far.
    pub fn keys(&self) -> Vec<String> {
        self.shared.lock().keys.clone()
    }
}

impl Drop for FakeMcp {
    fn drop(&mut self) {
        self.shared.lock().sessions.clear();
        drop(self.server.stop(false));
        if let Some(thread) = self.thread.take() {
            let _its_end = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn listen(listener: TcpListener, shared: Arc<Shared>) -> io::Result<Server> {
    let app = move || {
        let shared = Arc::clone(&shared);
        App::new().default_service(web::to(move |request: HttpRequest, body: Bytes| {
            let answer = handle(&shared, &request, &body);
            async move { answer }
        }))
    };
    let server = HttpServer::new(app).workers(1).disable_signals().shutdown_timeout(0);
    Ok(server.listen(listener)?.run())
}

fn handle(shared: &Shared, request: &HttpRequest, body: &[u8]) -> HttpResponse {
    let mut state = shared.lock();
    let message: Value = serde_json::from_slice(body).unwrap_or_default();
    state.keys.push(text(request.headers(), "x-key"));
    if state.refuses {
        return HttpResponse::InternalServerError().finish();
    }
    if message["method"] == "initialize" {
        state.begun += 1;
        let session = format!("session-{}", state.begun);
        state.sessions.insert(session.clone(), Vec::new());
        let answer = answer(&message, &state.tools);
        return HttpResponse::Ok().insert_header((SESSION, session)).json(answer);
    }
    let session = text(request.headers(), SESSION);
    let State { tools, sessions, deleted, .. } = &mut *state;
    let Some(streams) = sessions.get_mut(&session).filter(|_| request.path() == PATH) else {
        return HttpResponse::NotFound().finish();
    };
    match request.method().as_str() {
        "POST" => match answer(&message, tools) {
            Some(answer) => HttpResponse::Ok().json(answer),
            None => HttpResponse::Accepted().finish(),
        },
        "GET" => {
            let (send, receive) = mpsc::unbounded_channel();
            streams.push(send);
            let stream = UnboundedReceiverStream::new(receive).map(Ok::<Bytes, io::Error>);
            HttpResponse::Ok().content_type("text/event-stream").streaming(stream)
        }
        "DELETE" => {
            sessions.remove(&session);
            *deleted += 1;
            HttpResponse::NoContent().finish()
        }
        _ => HttpResponse::MethodNotAllowed().finish(),
    }
}

fn text(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}
