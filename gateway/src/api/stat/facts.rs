//! Versions, the start time, and how fast a GitHub proxy is.

use actix_web::web::Data;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::http::{Answer, ApiError, Code, Json, Reply, RuntimeLease};

/// The versions.
#[derive(Serialize, JsonSchema)]
pub struct Versions {
    version: &'static str,
    dashboard_version: &'static str,
    /// Always false: no account is ever made with a default password.
    change_pwd_hint: bool,
    /// Always false: migrations run by themselves at the start.
    need_migration: bool,
}

/// When the runtime became ready.
#[derive(Serialize, JsonSchema)]
pub struct StartTime {
    /// Seconds since 1970 UTC.
    start_time: i64,
}

/// Which proxy.
#[derive(Deserialize, JsonSchema)]
pub struct Proxy {
    #[serde(default)]
    proxy_url: String,
}

/// How long it took.
#[derive(Serialize, JsonSchema)]
pub struct Latency {
    /// Milliseconds, with two decimals.
    latency: f64,
}

/// `GET /api/stat/version`
pub async fn version() -> Answer<Versions> {
    let version = env!("CARGO_PKG_VERSION");
    Ok(Reply::data(Versions {
        version,
        dashboard_version: version,
        change_pwd_hint: false,
        need_migration: false,
    }))
}

/// `GET /api/stat/start-time`
pub async fn start_time(app: Data<App>, _lease: RuntimeLease) -> Answer<StartTime> {
    Ok(Reply::data(StartTime { start_time: app.control.snapshot().at.as_second() }))
}

/// `POST /api/stat/test-ghproxy-connection`
pub async fn proxy_latency(_lease: RuntimeLease, Json(proxy): Json<Proxy>) -> Answer<Latency> {
    let address = proxy.proxy_url.trim().trim_end_matches('/');
    if !address.starts_with("https://") && !address.starts_with("http://") {
        return Err(ApiError::with(
            Code::Invalid,
            "proxy_url must begin with http:// or https://.",
        ));
    }
    let probed = format!("{address}/https://github.com/robots.txt");
    let took = firstlight_runtime::http_client::latency(&probed)
        .await
        .map_err(|error| ApiError::with(Code::Unreachable, error.to_string()))?;
    let latency = (took.as_secs_f64() * 100_000.0).round() / 100.0;
    Ok(Reply::data(Latency { latency }))
}
