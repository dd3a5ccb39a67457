//! The HTTP server: one listener that stays, whatever the runtime does.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::http::{KeepAlive, Method};
use actix_web::rt::net::TcpStream;
use actix_web::web::{self, Data};
use actix_web::{App as Actix, HttpRequest, HttpResponse, HttpServer};

use crate::api::metrics;
use crate::app::App;
use crate::http::mount::mount;
use crate::http::{ApiError, Code, Table};

/// How many seconds open connections get at the end. Streams and sockets have been told before.
const SHUTDOWN_SECONDS: u64 = 3;

/// How long a finished connection waits for its client to close it. A socket that was closed by its
/// close frame is held for so long.
const LINGER: Duration = Duration::from_millis(500);

/// How long a connection may stand idle between two requests.
const IDLE: Duration = Duration::from_secs(75);

/// Serves the table on a bound listener. Signals are the caller's; the server ends when the handle
/// of the returned server stops it.
///
/// A slow head is cut by the server, a slow body by the guard, a slow reader by the system: data
/// that the peer does not take within `limits.slow_reader` ends the connection.
pub fn serve(listener: TcpListener, table: &'static Table, app: Arc<App>) -> io::Result<Server> {
    let limits = app.settings.limits.clone();
    let slow_reader = limits.slow_reader.duration();
    let server = HttpServer::new(move || {
        let app = Arc::clone(&app);
        Actix::new().configure(move |cfg| mount(cfg, table, &app))
    })
    .client_request_timeout(limits.header_timeout.duration())
    .client_disconnect_timeout(LINGER)
    .keep_alive(KeepAlive::Timeout(IDLE))
    .tcp_nodelay(true)
    .shutdown_timeout(SHUTDOWN_SECONDS)
    .disable_signals()
    .on_connect(move |connection, _| {
        if let Some(stream) = connection.downcast_ref::<TcpStream>() {
            give_up_on_slow_readers(stream, slow_reader);
        }
    });
    let workers = match limits.workers {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        count => count,
    };
    let per_worker = limits.connections.div_ceil(workers).max(1);
    let server = server.workers(workers).max_connections(per_worker);
    Ok(server.listen(listener)?.run())
}

/// Bounds how long sent data may stay untaken. Only Linux has this per connection.
#[cfg(target_os = "linux")]
fn give_up_on_slow_readers(stream: &TcpStream, patience: Duration) {
    let socket = socket2::SockRef::from(stream);
    if let Err(error) = socket.set_tcp_user_timeout(Some(patience)) {
        tracing::debug!(%error, "a connection has no deadline for its reader");
    }
}

#[cfg(not(target_os = "linux"))]
fn give_up_on_slow_readers(_: &TcpStream, _: Duration) {}

/// Serves the counters, and nothing else, on a listener of their own where nobody has to log in.
/// It is no part of the table, whose rows are all on the other listener.
pub fn serve_metrics(listener: TcpListener, app: Arc<App>) -> io::Result<Server> {
    let server = HttpServer::new(move || {
        Actix::new().app_data(Data::from(Arc::clone(&app))).default_service(web::to(counters))
    });
    let server = server.workers(1).disable_signals().shutdown_timeout(SHUTDOWN_SECONDS);
    Ok(server.listen(listener)?.run())
}

async fn counters(request: HttpRequest, app: Data<App>) -> Result<HttpResponse, ApiError> {
    if request.path() != "/metrics" {
        return Err(ApiError::new(Code::RouteUnknown));
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Err(ApiError::new(Code::MethodNotAllowed));
    }
    metrics::read(app).await
}
