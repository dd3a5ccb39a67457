//! Platforms: how they are, and what their far sides call.

use actix_web::HttpResponse;
use actix_web::web::Data;
use firstlight_runtime::platforms::{Fault, PlatformState, PlatformStatus};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::http::{Answer, ApiError, Code, Path, RawBody, Reply, RuntimeLease};

/// All platforms, and how many of them are how.
#[derive(Serialize, JsonSchema)]
pub struct Statistics {
    platforms: Vec<Status>,
    summary: Summary,
}

/// How one platform is.
#[derive(Serialize, JsonSchema)]
pub struct Status {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    display_name: String,
    /// `pending`, `running`, `error` or `stopped`.
    status: &'static str,
    started_at: Option<String>,
    /// How often something went wrong since it was started.
    error_count: u64,
    last_error: Option<Problem>,
    /// What went wrong lately, the latest last.
    errors: Vec<Problem>,
    /// Where the far side connects to, where it does.
    listening: Option<String>,
    /// One line for each open connection.
    connections: Vec<String>,
    /// When the far side was last heard of.
    last_heard: Option<String>,
    unified_webhook: bool,
    meta: Meta,
}

/// What a platform can do.
#[derive(Serialize, JsonSchema)]
pub struct Meta {
    id: String,
    name: String,
    display_name: String,
    description: String,
    support_streaming_message: bool,
    support_proactive_message: bool,
}

/// Something that went wrong.
#[derive(Clone, Serialize, JsonSchema)]
#[schemars(rename = "PlatformProblem")]
pub struct Problem {
    message: String,
    timestamp: String,
    traceback: Option<String>,
}

/// The numbers.
#[derive(Serialize, JsonSchema)]
pub struct Summary {
    total: usize,
    running: usize,
    error: usize,
    total_errors: u64,
}

/// Which webhook.
#[derive(Deserialize, JsonSchema)]
pub struct WebhookPath {
    webhook_uuid: String,
}

/// `GET /api/platform/stats`
pub async fn statistics(_app: Data<App>, lease: RuntimeLease) -> Answer<Statistics> {
    let platforms: Vec<Status> = lease.platforms.statuses().into_iter().map(Status::of).collect();
    let count = |status: &str| platforms.iter().filter(|p| p.status == status).count();
    let summary = Summary {
        total: platforms.len(),
        running: count("running"),
        error: count("error"),
        total_errors: platforms.iter().map(|platform| platform.error_count).sum(),
    };
    Ok(Reply::data(Statistics { platforms, summary }))
}

/// `GET|POST /api/platform/webhook/{webhook_uuid}`: hands the call to the platform that gave out
/// this address. No platform of this version gives out any, so every address is unknown.
pub async fn webhook(
    _lease: RuntimeLease,
    Path(path): Path<WebhookPath>,
    RawBody(_): RawBody,
) -> Result<HttpResponse, ApiError> {
    tracing::debug!(address = path.webhook_uuid.len(), "a webhook was called that nobody has");
    let text = "No platform has this webhook address.";
    Err(ApiError::with(Code::NotFound, text).real_status())
}

impl Status {
    fn of(platform: PlatformStatus) -> Self {
        let status = match &platform.state {
            PlatformState::Starting => "pending",
            PlatformState::Running => "running",
            PlatformState::Stopped => "stopped",
            PlatformState::Failed { .. } => "error",
        };
        let errors: Vec<Problem> = platform.faults.iter().map(Problem::of).collect();
        let last_error = match &platform.state {
            PlatformState::Failed { error, at } => Some(Problem::new(error.clone(), *at)),
            _ => errors.last().cloned(),
        };
        Self {
            meta: Meta {
                id: platform.id.clone(),
                name: platform.kind.clone(),
                display_name: platform.display_name.clone(),
                description: String::new(),
                support_streaming_message: platform.streams,
                support_proactive_message: platform.sends_unasked,
            },
            id: platform.id,
            kind: platform.kind,
            display_name: platform.display_name,
            status,
            started_at: platform.started_at.map(|at: Timestamp| at.to_string()),
            error_count: platform.fault_count,
            last_error,
            errors,
            listening: platform.connections.listening,
            connections: platform.connections.open,
            last_heard: platform.connections.last_heard.map(|at| at.to_string()),
            unified_webhook: false,
        }
    }
}

impl Problem {
    fn of(fault: &Fault) -> Self {
        Self::new(fault.text.clone(), fault.at)
    }

    fn new(message: String, at: Timestamp) -> Self {
        Self { message, timestamp: at.to_string(), traceback: None }
    }
}
