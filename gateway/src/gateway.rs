//! The composition root: everything is put together here, in the order of a start.
//!
//! A gateway with plugins of its own is a crate with this `main`:
//!
//! ```ignore
//! fn main() -> firstlight_gateway::Exit {
//!     firstlight_gateway::Gateway::builder().plugin::<Hello>().main()
//! }
//! ```

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use firstlight_core::lifecycle::{Activity, Background, Control, State, supervise};
use firstlight_core::settings::{DataLock, Settings};
use firstlight_runtime::Plan;
use firstlight_runtime::plugins::{Compiler, Registration};
use firstlight_runtime::plugins_api::Plugin;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::api::logs;
use crate::app::{App, Parts};
use crate::exit::{Exit, Problem};
use crate::logs::{Logging, Logs};
use crate::routes::TABLE;
use crate::running::Running;
use crate::signals::Signals;
use crate::{Rt, cli, control, core_phase, listen, problems, server, terminal};

/// How long the tasks of the process may take to end, and then the database to close.
const LAST_STEPS: Duration = Duration::from_secs(5);

/// A gateway that has not started yet.
#[derive(Default)]
pub struct Builder {
    plugins: Vec<Registration>,
}

/// A running gateway.
pub struct Gateway {
    app: Arc<App>,
    server: ServerHandle,
    /// Cancelled when the server has ended, for whatever reason.
    done: CancellationToken,
    address: SocketAddr,
    setup_link: Option<String>,
    lock: DataLock,
}

impl Gateway {
    /// A gateway without plugins of its own.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What handlers can reach.
    pub fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// Commands to the supervisor of the runtime.
    pub fn control(&self) -> &Control<Rt> {
        &self.app.control
    }

    /// The link to make the first account with, when there is none yet.
    pub fn setup_link(&self) -> Option<&str> {
        self.setup_link.as_deref()
    }

    /// Drains and ends: new work is refused, turns finish or are checkpointed, streams and sockets
    /// are told, then the server and the database close.
    pub async fn end(self) -> Exit {
        self.app.ending.cancel();
        let mut left = self.take_runtime_down().await;
        self.server.stop(true).await;
        left.extend(self.app.background.end(LAST_STEPS).await);
        let close = async {
            self.app.config.close().await;
            self.app.database.close().await;
        };
        if timeout(LAST_STEPS, close).await.is_err() {
            left.push("database".to_owned());
        }
        Running::remove(&self.app.settings.data_dir);
        drop(self.lock);
        if left.is_empty() {
            tracing::info!("ended");
            return Exit::Success;
        }
        tracing::error!(?left, "these did not stop cleanly");
        Exit::Unclean
    }

    /// Answers what did not stop cleanly.
    async fn take_runtime_down(&self) -> Vec<String> {
        let control = &self.app.control;
        // What went wrong at an earlier stop is no business of this one.
        let was_up = !matches!(
            control.snapshot().state,
            State::Created | State::CoreReady(Activity::Idle) | State::RuntimeFailed(_)
        );
        if let Some(generation) = control.shutdown().await.generation() {
            control.settled(generation).await;
        }
        let mut left = control.snapshot().unclean.to_vec();
        if let Some(attempt) = control.timeline().snapshot().current.as_ref().filter(|_| was_up) {
            let failed =
                attempt.components.iter().filter(|component| component.stop_error.is_some());
            left.extend(failed.map(|component| component.record.name.to_string()));
        }
        left
    }
}

impl Builder {
    /// Adds a compiled-in plugin.
    #[must_use]
    pub fn plugin<P: Plugin>(mut self) -> Self {
        self.plugins.push(Registration::of::<P>());
        self
    }

    /// The plugins that were added.
    pub(crate) fn plugins(self) -> Vec<Registration> {
        self.plugins
    }

    /// The whole command line: what a `main` returns.
    pub fn main(self) -> Exit {
        // The panic itself has been reported by the hook; what is left is its exit code.
        let run = AssertUnwindSafe(|| cli::main(self, std::env::args_os()));
        catch_unwind(run).unwrap_or(Exit::Internal)
    }

    /// Starts, serves until a signal, and drains. A second signal ends the wait for the drain.
    pub async fn run(self, settings: Settings, logging: &Logging) -> Result<Exit, Problem> {
        let mut signals = Signals::listen().map_err(|error| {
            let advice = "report it";
            Problem::caused(Exit::Internal, "signals could not be listened for", &error, advice)
        })?;
        let gateway = self.start(settings, logging.logs()).await?;
        terminal::line(format!("listening on {}", url(gateway.address)))?;
        if let Some(link) = gateway.setup_link() {
            terminal::line(format!(
                "\nThere is no account yet. Open this link to set a password; it works once:\n\n    \
                 {link}\n"
            ))?;
        }
        let signal = tokio::select! {
            signal = signals.next() => signal,
            () = gateway.done.cancelled() => {
                let advice = "look into the log, and report it";
                return Err(Problem::new(Exit::Internal, "the HTTP server ended", advice));
            }
        };
        tracing::info!(signal, "draining; a second signal ends at once");
        tokio::select! {
            exit = gateway.end() => Ok(exit),
            signal = signals.next_request() => {
                tracing::warn!(signal, "ending without a drain");
                Ok(Exit::Interrupted)
            }
        }
    }

    /// Starts on the current tokio runtime, which must be a multi-threaded one, and answers as soon
    /// as HTTP is served; the runtime comes up behind it.
    ///
    /// Order: lock, sockets, database, core ready, serve, bootstrap. A failure before that leaves
    /// nothing running.
    pub async fn start(self, settings: Settings, logs: Logs) -> Result<Gateway, Problem> {
        let lock = core_phase::lock(&settings.data_dir).await?;
        let listener = listen::bind(settings.listen)?;
        let address = listener.local_addr().map_err(|e| listen::not_bound(settings.listen, &e))?;
        let settings = Arc::new(settings);
        let metrics = settings.metrics.listen.map(listen::bind).transpose()?;
        let foundation = core_phase::foundation(&settings).await?;
        let plan = Plan::open(foundation.clone(), self.plugins, compiler())
            .await
            .map_err(|error| problems::database(&error))?;
        let options = core_phase::options(&settings)?;
        let (plugins, status) = (plan.plugins().clone(), plan.status().clone());
        let metadata = plan.metadata().clone();
        let control = supervise(plan, options);
        status.connect(control.clone());
        let parts = Parts {
            settings,
            foundation,
            plugins,
            metadata,
            control,
            background: Background::new(),
            logs,
        };
        let app = App::assemble(parts).await.map_err(|error| problems::accounts(&error))?;
        let serving = server::serve(listener, &TABLE, Arc::clone(&app))
            .map_err(|error| listen::not_bound(app.settings.listen, &error))?;
        let (server, done) = (serving.handle(), CancellationToken::new());
        let ended = done.clone().drop_guard();
        app.background.spawn("http", async move {
            if let Err(error) = serving.await {
                tracing::error!(%error, "the HTTP server failed");
            }
            drop(ended);
        });
        if let Some(listener) = metrics {
            serve_metrics(listener, &app)?;
        }
        tracing::info!(%address, "listening");
        announce(&app, address);
        let setup_link = setup_link(&app, address).await?;
        app.control.start().await;
        let detailed = Arc::clone(&app);
        app.background.spawn("log detail", async move { logs::restore(&detailed).await });
        Ok(Gateway { app, server, done, address, setup_link, lock })
    }
}

/// Plugins are compiled by this program in another process, so that what that takes is given back.
/// Where the program cannot find itself, it compiles them itself.
pub(crate) fn compiler() -> Compiler {
    std::env::current_exe().map_or(Compiler::InProcess, Compiler::Child)
}

/// The counters on an address of their own. It stops with the process' own tasks.
fn serve_metrics(listener: TcpListener, app: &Arc<App>) -> Result<(), Problem> {
    let address = listener.local_addr().map_err(|e| listen::not_bound(app.settings.listen, &e))?;
    let server = server::serve_metrics(listener, Arc::clone(app))
        .map_err(|error| listen::not_bound(address, &error))?;
    let (handle, ending) = (server.handle(), app.background.token().clone());
    app.background.spawn("metrics", async move {
        tokio::select! {
            ended = server => if let Err(error) = ended {
                tracing::error!(%error, "the server of the counters failed");
            },
            () = ending.cancelled() => handle.stop(false).await,
        }
    });
    tracing::info!(%address, "the counters are served");
    Ok(())
}

/// Tells the commands of this machine where the gateway is. Without that it still serves.
fn announce(app: &Arc<App>, address: SocketAddr) {
    let folder = &app.settings.data_dir;
    let control = control::serve(folder, app).unwrap_or_else(|error| {
        tracing::warn!(%error, "no local commands: `account reset` will need an ended gateway");
        None
    });
    let card = Running { pid: std::process::id(), url: url(address), control };
    if let Err(error) = card.write(folder) {
        tracing::warn!(%error, "local commands will not find this gateway");
    }
}

/// The secret travels in the fragment, which no server and no proxy gets to see.
async fn setup_link(app: &App, address: SocketAddr) -> Result<Option<String>, Problem> {
    let needed = app.auth.needs_setup().await.map_err(|error| problems::accounts(&error))?;
    Ok(needed.then(|| format!("{}/#setup={}", url(address), app.auth.setup.open())))
}

/// An address that a browser on this machine can open.
fn url(address: SocketAddr) -> String {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}
