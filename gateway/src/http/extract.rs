//! What handlers take. Every failure is an [`ApiError`]: no plain-text answer exists.

use std::future::{Ready, ready};
use std::ops::Deref;

use actix_web::dev::{JsonBody, Payload};
use actix_web::error::{JsonPayloadError, PayloadError};
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest, web};
use bytes::Bytes;
use firstlight_core::lifecycle::Lease;
use firstlight_core::messages::Language;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::caller::{Caller, SessionCaller};
use super::describe::{Input, Operation};
use super::error::{ApiError, Code};
use super::guard::Admitted;
use super::language;
use super::row::Needs;
use crate::Rt;

/// A JSON body.
#[derive(Debug)]
pub struct Json<T>(pub T);

/// The query.
#[derive(Debug)]
pub struct Query<T>(pub T);

/// The parameters of the path. Their names come from the row.
#[derive(Debug)]
pub struct Path<T>(pub T);

/// The body as it is.
#[derive(Debug)]
pub struct RawBody(pub Bytes);

/// A `multipart/form-data` body, field by field.
pub struct Multipart(pub actix_multipart::Multipart);

/// The log-in that calls, in rows that only log-ins may call.
#[derive(Debug)]
pub struct Session(pub std::sync::Arc<SessionCaller>);

/// The language that the caller asks for.
#[derive(Debug, Clone, Copy)]
pub struct Wanted(pub Language);

/// The live runtime, held for as long as this value lives. Long replies keep it and select on
/// [`Lease::gone`].
pub struct RuntimeLease(Lease<Rt>);

/// The live runtime where there is one, for rows that repair what is broken without it.
pub struct MaybeRuntime(pub Option<RuntimeLease>);

impl Deref for RuntimeLease {
    type Target = Lease<Rt>;

    fn deref(&self) -> &Lease<Rt> {
        &self.0
    }
}

/// Reads what the guard left for the handler.
fn admitted<T>(
    req: &HttpRequest,
    read: impl FnOnce(&mut Admitted) -> Option<T>,
) -> Result<T, Error> {
    req.extensions_mut()
        .get_mut::<Admitted>()
        .and_then(read)
        .ok_or_else(|| ApiError::internal("a handler took what its row does not give").into())
}

impl<T: DeserializeOwned + 'static> FromRequest for Json<T> {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let limit = admitted(req, |admitted| Some(admitted.body_limit));
        let body = JsonBody::<T>::new(req, payload, None, true);
        async move { body.limit(limit?).await.map(Json).map_err(|error| json_error(error).into()) }
            .boxed_local()
    }
}

fn json_error(error: JsonPayloadError) -> ApiError {
    match error {
        JsonPayloadError::Overflow { .. } | JsonPayloadError::OverflowKnownLength { .. } => {
            ApiError::new(Code::BodyTooLarge)
        }
        JsonPayloadError::Payload(error) => payload_error(error),
        JsonPayloadError::ContentType => {
            ApiError::with(Code::BodyInvalid, "The body must be sent as application/json.")
        }
        other => ApiError::with(Code::BodyInvalid, format!("The body was refused: {other}")),
    }
}

/// Translates what can go wrong while a body arrives.
pub fn payload_error(error: PayloadError) -> ApiError {
    match error {
        PayloadError::Overflow => ApiError::new(Code::BodyTooLarge),
        PayloadError::Io(error) if error.kind() == std::io::ErrorKind::TimedOut => {
            ApiError::new(Code::BodyTimeout)
        }
        other => ApiError::new(Code::BodyInvalid).caused_by(other.to_string()),
    }
}

impl<T: DeserializeOwned> FromRequest for Query<T> {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(match web::Query::<T>::from_query(req.query_string()) {
            Ok(query) => Ok(Query(query.into_inner())),
            Err(error) => {
                let text = format!("The query was refused: {error}");
                Err(ApiError::with(Code::QueryInvalid, text).into())
            }
        })
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for Path<T> {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let parsed = web::Path::<T>::from_request(req, payload).into_inner();
        ready(
            parsed
                .map(|path| Path(path.into_inner()))
                .map_err(|_| ApiError::new(Code::PathInvalid).into()),
        )
    }
}

impl FromRequest for RawBody {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let limit = admitted(req, |admitted| Some(admitted.body_limit));
        let payload = web::Payload::from_request(req, payload).into_inner();
        async move {
            match payload?.to_bytes_limited(limit?).await {
                Ok(Ok(bytes)) => Ok(RawBody(bytes)),
                Ok(Err(error)) => match error.as_error::<PayloadError>() {
                    Some(_) => Err(ApiError::new(Code::BodyTimeout).into()),
                    None => Err(ApiError::new(Code::BodyInvalid).into()),
                },
                Err(_) => Err(ApiError::new(Code::BodyTooLarge).into()),
            }
        }
        .boxed_local()
    }
}

impl FromRequest for Multipart {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let is_form = req.content_type().eq_ignore_ascii_case("multipart/form-data");
        ready(if is_form {
            Ok(Multipart(actix_multipart::Multipart::new(req.headers(), payload.take())))
        } else {
            let text = "The body must be sent as multipart/form-data.";
            Err(ApiError::with(Code::BodyInvalid, text).into())
        })
    }
}

impl From<actix_multipart::MultipartError> for ApiError {
    fn from(error: actix_multipart::MultipartError) -> Self {
        match error {
            actix_multipart::MultipartError::Payload(error) => payload_error(error),
            other => ApiError::with(Code::BodyInvalid, format!("The form was refused: {other}")),
        }
    }
}

impl FromRequest for Caller {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(admitted(req, |admitted| Some(admitted.caller.clone())))
    }
}

impl FromRequest for Session {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(admitted(req, |admitted| match &admitted.caller {
            Caller::Session(session) => Some(Session(session.clone())),
            Caller::Anonymous | Caller::Key(_) => None,
        }))
    }
}

impl FromRequest for Wanted {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Wanted(language::wanted(req.headers()))))
    }
}

impl FromRequest for RuntimeLease {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(admitted(req, |admitted| admitted.lease.take().map(RuntimeLease)))
    }
}

impl FromRequest for MaybeRuntime {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let lease = admitted(req, |admitted| Some(admitted.lease.take().map(RuntimeLease)));
        ready(lease.map(Self))
    }
}

impl<T: JsonSchema> Input for Json<T> {
    fn describe(operation: &mut Operation<'_>) {
        let schema = operation.schema::<T>();
        operation.takes_body("application/json", &schema);
    }
}

impl<T: JsonSchema> Input for Query<T> {
    fn describe(operation: &mut Operation<'_>) {
        operation.takes_query::<T>();
    }
}

impl<T> Input for Path<T> {}

impl Input for RawBody {
    fn describe(operation: &mut Operation<'_>) {
        operation.takes_body("*/*", &json!({ "type": "string", "format": "binary" }));
    }
}

impl Input for Multipart {
    fn describe(operation: &mut Operation<'_>) {
        operation.takes_body("multipart/form-data", &json!({ "type": "object" }));
    }
}

impl Input for Caller {}
impl Input for Wanted {}

impl Input for Session {
    const SESSION: bool = true;
}

impl Input for MaybeRuntime {
    const NEEDS: Needs = Needs::Recovery;
}

impl Input for RuntimeLease {
    const NEEDS: Needs = Needs::Runtime;
}
