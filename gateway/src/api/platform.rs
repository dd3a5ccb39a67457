//! Platforms: how they are, and what their far sides call.

use actix_web::HttpResponse;
use actix_web::web::Data;
use firstlight_runtime::platforms::{PlatformState, PlatformStatus};
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
    /// `running`, `error` or `stopped`.
    status: &'static str,
    started_at: Option<String>,
    error_count: u32,
    last_error: Option<LastError>,
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

/// Why a platform does not run.
#[derive(Serialize, JsonSchema)]
pub struct LastError {
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
    total_errors: u32,
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
        let (status, last_error) = match &platform.state {
            PlatformState::Running => ("running", None),
            PlatformState::Stopped => ("stopped", None),
            PlatformState::Failed { error, at } => (
                "error",
                Some(LastError {
                    message: error.clone(),
                    timestamp: at.to_string(),
                    traceback: None,
                }),
            ),
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
            error_count: u32::from(last_error.is_some()),
            last_error,
            unified_webhook: false,
        }
    }
}
