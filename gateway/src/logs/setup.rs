//! The subscriber of the process: text or JSON to standard error, and the ring.
//!
//! Standard error is written by a thread of its own. When nobody reads it and the pipe is full,
//! lines are dropped and the gateway goes on.

use std::io::{self, IsTerminal as _, Write};
use std::sync::Arc;

use firstlight_core::settings::{Log, LogFormat};
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, reload};

use super::layer::RingLayer;
use super::redact::redact;
use super::ring::LogRing;
use crate::exit::{Exit, Problem};

/// Libraries whose `info` says nothing to an operator. The settings may name them and win.
const QUIET: &str = "actix_server=warn";

/// The logging of this process. Dropped last, it writes what is still waiting.
pub struct Logging {
    logs: Logs,
    _writer: WorkerGuard,
}

/// The log as the dashboard sees it.
#[derive(Clone)]
pub struct Logs {
    /// The last entries and the feed of new ones.
    pub ring: LogRing,
    /// The switch for detail.
    pub trace: TraceSwitch,
}

/// Switches the detailed trace of our own code in the dashboard's log on and off.
#[derive(Clone)]
pub struct TraceSwitch {
    apply: Arc<dyn Fn(bool) + Send + Sync>,
}

impl Logging {
    /// Starts logging.
    pub fn start(settings: &Log) -> Result<Self, Problem> {
        let filter = Self::filter(&settings.level)?;
        let ring = LogRing::new(settings.history);
        let (stderr, guard) = NonBlockingBuilder::default()
            .buffered_lines_limit(8192)
            .lossy(true)
            .thread_name("log-writer")
            .finish(io::stderr());
        let (shown, switch) = reload::Layer::new(detail(false));
        let apply = move |on: bool| {
            // It fails only when the subscriber is gone, and then there is no log to change.
            let _ = switch.reload(detail(on));
        };
        tracing_subscriber::registry()
            .with(RingLayer::new(ring.clone()).with_filter(shown))
            .with(lines(settings.format, Redacted(stderr)).with_filter(filter))
            .try_init()
            .map_err(|error| {
                Problem::caused(Exit::Internal, "logging could not start", &error, "report it")
            })?;
        let trace = TraceSwitch { apply: Arc::new(apply) };
        Ok(Self { logs: Logs { ring, trace }, _writer: guard })
    }

    /// Reads a level, or a list of directives.
    pub fn filter(level: &str) -> Result<EnvFilter, Problem> {
        EnvFilter::try_new(format!("{QUIET},{level}")).map_err(|error| {
            Problem::caused(
                Exit::Configuration,
                &format!("the log level {level:?} is not understood"),
                &error,
                "use error, warn, info, debug or trace, or a list such as info,sqlx=warn",
            )
        })
    }

    /// The log as the dashboard sees it.
    pub fn logs(&self) -> Logs {
        self.logs.clone()
    }
}

impl Logs {
    /// A log that nothing writes to, where somebody else set up tracing.
    pub fn unconnected() -> Self {
        Self { ring: LogRing::new(500), trace: TraceSwitch { apply: Arc::new(|_| {}) } }
    }
}

impl TraceSwitch {
    /// Shows the detail, or stops showing it.
    pub fn set(&self, on: bool) {
        (self.apply)(on);
    }
}

/// What the dashboard's log shows: everything from `info` up, and with the switch on our own
/// detail too.
fn detail(on: bool) -> Targets {
    let ours = if on { LevelFilter::DEBUG } else { LevelFilter::INFO };
    Targets::new()
        .with_default(LevelFilter::INFO)
        .with_target("actix_server", LevelFilter::WARN)
        .with_target("firstlight_core", ours)
        .with_target("firstlight_runtime", ours)
        .with_target("firstlight_gateway", ours)
}

fn lines<S>(format: LogFormat, writer: Redacted) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
{
    let layer = tracing_subscriber::fmt::layer().with_writer(writer);
    match format {
        LogFormat::Text => layer.with_ansi(io::stderr().is_terminal()).boxed(),
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
    }
}

/// A writer that takes the secrets out. The formatter hands over one whole line at a time.
#[derive(Clone)]
struct Redacted(NonBlocking);

impl Write for Redacted {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match std::str::from_utf8(line) {
            Ok(text) => self.0.write_all(redact(text).as_bytes())?,
            Err(_) => self.0.write_all(line)?,
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl<'a> MakeWriter<'a> for Redacted {
    type Writer = Self;

    fn make_writer(&'a self) -> Self::Writer {
        self.clone()
    }
}
