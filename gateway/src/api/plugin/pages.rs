//! Pages that plugins bring (reference 1.13), for a sandboxed frame of the dashboard.
//!
//! A page is not trusted with the log-in of who looks at it. Its policy makes every document a
//! sandbox with an origin of its own, also when somebody opens its address directly; so it can
//! neither read the dashboard nor call the gateway as the one who is logged in. What it asks for
//! goes through the dashboard, see `bridge.js`.

use actix_files::NamedFile;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName,
    HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::page_tokens::LIFETIME;
use crate::api::config::saving::given;
use crate::app::App;
use crate::http::{Answer, ApiError, Code, Json, Path, Reply, RuntimeLease};

/// What a page talks to the dashboard with.
const BRIDGE: &str = include_str!("bridge.js");
/// What a page may load: its own files.
const POLICY: HeaderValue = HeaderValue::from_static(
    "sandbox allow-scripts allow-forms allow-downloads; default-src 'none'; script-src 'self'; \
     style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; \
     media-src 'self' data: blob:; connect-src 'self' data:; object-src 'none'; base-uri 'self'; \
     form-action 'none'; frame-ancestors 'self'",
);
/// A frame with an origin of its own is another origin, also for its own files. They are guarded by
/// the token in their address, not by who asks.
const FOR_FRAMES: [(HeaderName, HeaderValue); 7] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN")),
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("cross-origin"),
    ),
    (ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
];

/// A file of a page.
#[derive(Deserialize)]
pub struct OfPage {
    plugin: String,
    page: String,
    tail: String,
}

/// A file of a page, with the token for it.
#[derive(Deserialize)]
pub struct WithToken {
    token: String,
    plugin: String,
    page: String,
    tail: String,
}

/// Which page.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "PluginPageNamed")]
pub struct Which {
    #[serde(default)]
    plugin: String,
    #[serde(default)]
    page: String,
}

/// A token for a page.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PluginPageToken")]
pub struct Token {
    token: String,
    /// Seconds after it was used last.
    expires_in: u64,
    /// The address for the frame.
    url: String,
}

/// `GET /api/plugin/page/{plugin}/{page}/…`: for programs; what it loads needs a token.
pub async fn file(
    http: HttpRequest,
    app: Data<App>,
    _lease: RuntimeLease,
    Path(of): Path<OfPage>,
) -> Result<HttpResponse, ApiError> {
    serve(&http, &app, &of).await
}

/// `GET /api/plugin/page-content/{token}/{plugin}/{page}/…`: for frames.
pub async fn content(
    http: HttpRequest,
    app: Data<App>,
    _lease: RuntimeLease,
    Path(path): Path<WithToken>,
) -> Result<HttpResponse, ApiError> {
    let WithToken { token, plugin, page, tail } = path;
    if !app.pages.admits(&token, &plugin, &page) {
        return Err(ApiError::with(Code::Unauthenticated, "The page is to be opened anew."));
    }
    serve(&http, &app, &OfPage { plugin, page, tail }).await
}

/// `POST /api/plugin/page-token`
pub async fn token(
    app: Data<App>,
    _lease: RuntimeLease,
    Json(which): Json<Which>,
) -> Answer<Token> {
    let (plugin, page) = (given("plugin", &which.plugin)?, given("page", &which.page)?);
    app.plugins.page_file(plugin, page, "index.html").ok_or_else(missing)?;
    let token = app.pages.issue(plugin, page);
    let url = format!("/api/plugin/page-content/{token}/{plugin}/{page}/");
    Ok(Reply::data(Token { token, expires_in: LIFETIME.as_secs(), url }))
}

/// `GET /api/plugin/page/bridge-sdk.js`
pub async fn bridge() -> HttpResponse {
    let mut answer = HttpResponse::Ok();
    for header in FOR_FRAMES {
        answer.insert_header(header);
    }
    answer.insert_header((CONTENT_TYPE, "text/javascript; charset=utf-8"));
    answer.body(BRIDGE)
}

fn missing() -> ApiError {
    ApiError::with(Code::NotFound, "The plugin has no such page, or may not show it.")
}

async fn serve(http: &HttpRequest, app: &App, of: &OfPage) -> Result<HttpResponse, ApiError> {
    let tail = match of.tail.as_str() {
        folder if folder.is_empty() || folder.ends_with('/') => format!("{folder}index.html"),
        file => file.to_owned(),
    };
    let path = app.plugins.page_file(&of.plugin, &of.page, &tail).ok_or_else(missing)?;
    let file = tokio::fs::File::open(&path).await.map_err(|_| missing())?.into_std().await;
    let kind = content_type(&tail);
    let file = NamedFile::from_file(file, path).map_err(|_| missing())?;
    let file = file.disable_content_disposition().use_etag(false).use_last_modified(false);
    let mut answer = file.into_response(http);
    for (name, value) in FOR_FRAMES {
        answer.headers_mut().insert(name, value);
    }
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    Ok(answer)
}

/// What a file is, by the end of its name.
fn content_type(name: &str) -> HeaderValue {
    let mime = mime_guess::from_path(name).first_or_octet_stream();
    let essence = mime.essence_str();
    let is_text = essence.starts_with("text/")
        || matches!(essence, "application/javascript" | "application/json");
    let kind = if is_text { format!("{essence}; charset=utf-8") } else { essence.to_owned() };
    HeaderValue::from_str(&kind).unwrap_or(HeaderValue::from_static("application/octet-stream"))
}
