//! The one guard. It stands in front of every row's handler and its extractors, so that nothing of
//! a refused caller is read: not the body, not the query.
//!
//! Order: origin → who → lifecycle → size. Who comes before the lifecycle, so that a caller without
//! credentials learns nothing about the runtime: 401 and 403 win over 503.

use std::future::{Ready, ready};
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::Arc;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use actix_web::http::Method;
use actix_web::http::header::CONTENT_LENGTH;
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse};
use firstlight_core::lifecycle::{Lease, State};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use serde_json::json;
use tokio::time::Instant;
use tracing::Instrument;

use super::body::{HeadOnly, limited};
use super::caller::Caller;
use super::counters::Counters;
use super::credentials::{self, Carrier};
use super::error::{ApiError, Code, Rendering};
use super::language;
use super::row::{Access, Refused, Row};
use super::{headers, refusal, request_id};
use crate::Rt;
use crate::app::App;

/// What the guard leaves for the handler's extractors.
pub struct Admitted {
    pub row: &'static Row,
    pub caller: Caller,
    pub lease: Option<Lease<Rt>>,
    pub body_limit: usize,
}

/// The guard of one row.
pub struct Guard {
    row: &'static Row,
    app: Arc<App>,
}

/// The guard in front of its row's handler.
pub struct Guarded<S> {
    row: &'static Row,
    app: Arc<App>,
    handler: Rc<S>,
    counters: Rc<Counters>,
}

impl Guard {
    pub(super) fn new(row: &'static Row, app: Arc<App>) -> Self {
        Self { row, app }
    }
}

impl<S> Transform<S, ServiceRequest> for Guard
where
    S: Service<ServiceRequest, Response = ServiceResponse, Error = Error> + 'static,
{
    type Response = ServiceResponse;
    type Error = Error;
    type Transform = Guarded<S>;
    type InitError = ();
    type Future = Ready<Result<Guarded<S>, ()>>;

    fn new_transform(&self, handler: S) -> Self::Future {
        let app = Arc::clone(&self.app);
        ready(Ok(Guarded {
            row: self.row,
            app,
            handler: Rc::new(handler),
            counters: Rc::default(),
        }))
    }
}

impl<S> Service<ServiceRequest> for Guarded<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse, Error = Error> + 'static,
{
    type Response = ServiceResponse;
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<ServiceResponse, Error>>;

    forward_ready!(handler);

    fn call(&self, mut req: ServiceRequest) -> Self::Future {
        let (row, app, handler) = (self.row, Arc::clone(&self.app), Rc::clone(&self.handler));
        let counters = Rc::clone(&self.counters);
        let (id, began) = (request_id::next(), Instant::now());
        let span = tracing::info_span!("request", row = row.name, id = id.as_str());
        async move {
            let http = req.request().clone();
            let response = match check(row, &app, &req) {
                Ok(admitted) => {
                    let body_limit = admitted.body_limit;
                    req.extensions_mut().insert(admitted);
                    if !row.socket {
                        limited(&mut req, body_limit);
                    }
                    serve(&*handler, req).await
                }
                Err(error) => refuse(row, &mut req, error).await,
            };
            let answer = finish(row, &app, &id, http, response);
            counters.count(row, answer.status(), began);
            Ok(answer)
        }
        .instrument(span)
        .boxed_local()
    }
}

/// Runs the handler. A panic is an answer like any other.
async fn serve<S>(handler: &S, req: ServiceRequest) -> HttpResponse
where
    S: Service<ServiceRequest, Response = ServiceResponse, Error = Error>,
{
    match AssertUnwindSafe(handler.call(req)).catch_unwind().await {
        Ok(Ok(response)) => response.into_parts().1,
        Ok(Err(error)) => HttpResponse::from_error(error),
        Err(panic) => {
            let text = panic
                .downcast_ref::<&str>()
                .map(|text| (*text).to_owned())
                .or_else(|| panic.downcast_ref::<String>().cloned())
                .unwrap_or_else(|| "a value that is no text".to_owned());
            HttpResponse::from_error(ApiError::internal(format!("the handler panicked: {text}")))
        }
    }
}

/// Everything that decides whether the handler runs.
fn check(row: &'static Row, app: &App, req: &ServiceRequest) -> Result<Admitted, ApiError> {
    if !app.origins.admit(req.method(), row.socket, req.headers()) {
        return Err(ApiError::new(Code::OriginRefused));
    }
    let (caller, carrier) = credentials::authenticate(row, &app.auth, req)?;
    if carrier == Carrier::Cookie
        && !app.origins.admit_cookie(req.method(), row.socket, req.headers())
    {
        return Err(ApiError::new(Code::OriginRefused));
    }
    let lease = {
        let state = app.control.snapshot().state;
        let admitted = row.needs.admit(&state);
        admitted.map_err(|refused| unavailable(refused, &state, &caller))?
    };
    let body_limit = row.body_limit.bytes(&app.settings.limits);
    let declared = req.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    let declared = declared.and_then(|length| length.parse::<usize>().ok());
    if declared.is_some_and(|length| length > body_limit) {
        return Err(ApiError::new(Code::BodyTooLarge));
    }
    if row.socket && !refusal::is_upgrade(req) {
        return Err(ApiError::new(Code::UpgradeRequired));
    }
    Ok(Admitted { row, caller, lease, body_limit })
}

/// The contract's 503. Its data has exactly these four members.
fn unavailable(refused: Refused, state: &State<Rt>, caller: &Caller) -> ApiError {
    let code = match refused {
        Refused::Loading => Code::RuntimeLoading,
        Refused::Failed => Code::RuntimeFailed,
        Refused::Stopped => Code::RuntimeStopped,
    };
    let failure = state.failure();
    let detail = failure.filter(|_| caller.sees_details()).map(|failure| &failure.message);
    ApiError::new(code).data(json!({
        "state": state.name(),
        "ready": false,
        "failed": failure.is_some(),
        "failure_message": detail,
    }))
}

async fn refuse(row: &Row, req: &mut ServiceRequest, mut error: ApiError) -> HttpResponse {
    let at_handshake = matches!(error.code(), Code::OriginRefused | Code::UpgradeRequired);
    if row.socket && !at_handshake && refusal::is_upgrade(req) {
        if let Some(response) = refusal::refuse(row, req, &error).await {
            return response;
        }
        error = ApiError::new(Code::UpgradeRequired);
    }
    if row.access == Access::Session && error.code().status() == 401 {
        // The contract's 401 of the log-in class carries `{}`, that of the key class `null`.
        error = error.data(json!({}));
    }
    HttpResponse::from_error(error)
}

/// Renders errors for their reader and adds what every answer carries.
fn finish(
    row: &Row,
    app: &App,
    id: &request_id::RequestId,
    http: HttpRequest,
    response: HttpResponse,
) -> ServiceResponse {
    let mut response = match response.error() {
        Some(error) => rendered(row, id.as_str(), &http, error),
        None => response,
    };
    headers::add_defaults(response.headers_mut(), id.as_str());
    app.origins.announce(http.headers(), response.headers_mut());
    tracing::debug!(target: "firstlight::access", status = response.status().as_u16(), "answered");
    let response = if http.method() == Method::HEAD {
        response.map_body(|_, body| BoxBody::new(HeadOnly::of(body.size())))
    } else {
        response
    };
    ServiceResponse::new(http, response)
}

fn rendered(row: &Row, id: &str, http: &HttpRequest, error: &Error) -> HttpResponse {
    let how = Rendering::of(row, language::wanted(http.headers()), id);
    if let Some(error) = error.as_error::<ApiError>() {
        log(error);
        return error.render(how);
    }
    // What a library of ours answered by itself: keep its meaning, not its plain text.
    let code = match error.as_response_error().status_code().as_u16() {
        413 => Code::BodyTooLarge,
        408 => Code::BodyTimeout,
        400..=499 => Code::BodyInvalid,
        _ => Code::Internal,
    };
    let error = ApiError::new(code).caused_by(error.to_string());
    log(&error);
    error.render(how)
}

/// The cause goes to the log, with the request id of the span, and nowhere else.
fn log(error: &ApiError) {
    let cause = std::error::Error::source(error).map(ToString::to_string);
    match error.code() {
        Code::RuntimeLoading | Code::RuntimeFailed | Code::RuntimeStopped => {}
        code if code.status().is_server_error() => {
            tracing::error!(code = code.as_str(), cause, "the call failed: {error}");
        }
        code => tracing::debug!(code = code.as_str(), cause, "the call was refused: {error}"),
    }
}
