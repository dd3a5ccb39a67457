//! JSON-RPC 2.0, one message to a line: how the process lane writes calls and answers.
//!
//! Both ends call each other. Each numbers its own requests with whole numbers; an answer has the
//! number of its request. The gateway may send the notification `cancel` with the number of a
//! request whose answer it no longer wants.

use std::borrow::Cow;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::WireError;

/// The code of all errors of ours; what kind it is stands in `data.kind`.
const CODE: i64 = -32000;

/// A message, read from a line.
#[derive(Debug)]
pub enum Frame<'a> {
    /// A call that wants an answer.
    Request {
        /// The number to answer with.
        id: u64,
        /// What is called.
        method: Cow<'a, str>,
        /// With what.
        params: Option<&'a RawValue>,
    },
    /// Something said that wants no answer.
    Notification {
        /// What.
        method: Cow<'a, str>,
        /// With what.
        params: Option<&'a RawValue>,
    },
    /// The answer to a call.
    Answer {
        /// The call's number.
        id: u64,
        /// What came of it.
        result: Result<&'a RawValue, WireError>,
    },
}

/// Why a line is no message.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// It is no JSON object of the right form.
    #[error("not a JSON-RPC message: {0}")]
    Json(#[from] serde_json::Error),
    /// It says another version, or none.
    #[error("not a JSON-RPC message: `jsonrpc` must be \"2.0\"")]
    Version,
    /// It is neither a request nor an answer.
    #[error("a message must hold `method`, `result` or `error`, and an answer an `id`")]
    Shape,
}

#[derive(Deserialize)]
struct Raw<'a> {
    #[serde(borrow, default)]
    jsonrpc: Cow<'a, str>,
    #[serde(default)]
    id: Option<u64>,
    #[serde(borrow, default)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    result: Option<&'a RawValue>,
    #[serde(default)]
    error: Option<RpcError>,
}

/// `null` is a result like any other.
fn present<'de: 'a, 'a, D: Deserializer<'de>>(from: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(from).map(Some)
}

#[derive(Deserialize)]
struct RpcError {
    #[serde(default)]
    message: String,
    #[serde(default)]
    data: Option<ErrorData>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ErrorData {
    kind: String,
    detail: serde_json::Map<String, Value>,
}

impl<'a> Frame<'a> {
    /// Reads a line.
    pub fn parse(line: &'a str) -> Result<Self, FrameError> {
        let raw: Raw<'a> = serde_json::from_str(line)?;
        if raw.jsonrpc != "2.0" {
            return Err(FrameError::Version);
        }
        match (raw.id, raw.method, raw.result, raw.error) {
            (Some(id), Some(method), None, None) => {
                Ok(Self::Request { id, method, params: raw.params })
            }
            (None, Some(method), None, None) => {
                Ok(Self::Notification { method, params: raw.params })
            }
            (Some(id), None, Some(result), None) => Ok(Self::Answer { id, result: Ok(result) }),
            (Some(id), None, None, Some(error)) => {
                Ok(Self::Answer { id, result: Err(error.into()) })
            }
            _ => Err(FrameError::Shape),
        }
    }
}

impl From<RpcError> for WireError {
    fn from(error: RpcError) -> Self {
        let ErrorData { kind, detail } = error.data.unwrap_or_default();
        let kind = if kind.is_empty() { "failed".to_owned() } else { kind };
        Self { kind, message: error.message, detail }
    }
}

/// A call from its method and its parameters. Parameters that hold nothing may be left out.
pub fn call<T: DeserializeOwned>(
    method: &str,
    params: Option<&RawValue>,
) -> Result<T, serde_json::Error> {
    let name = json!(method);
    let given = params.map(RawValue::get).filter(|text| !matches!(*text, "null" | "{}"));
    if let Some(params) = given {
        return serde_json::from_str(&format!(r#"{{"method":{name},"params":{params}}}"#));
    }
    serde_json::from_str(&format!(r#"{{"method":{name}}}"#))
        .or_else(|_| serde_json::from_str(&format!(r#"{{"method":{name},"params":{{}}}}"#)))
}

/// Writes a request, without the end of the line. `call` is a
/// [`GuestCall`](super::GuestCall) or a [`HostCall`](super::HostCall).
pub fn request<T: Serialize>(id: u64, call: &T) -> Result<String, serde_json::Error> {
    let call = serde_json::to_string(call)?;
    let members = call.strip_prefix('{').unwrap_or_default();
    Ok(format!(r#"{{"jsonrpc":"2.0","id":{id},{members}"#))
}

/// Writes the notification that the answer to a request is not wanted any more.
pub fn cancel(id: u64) -> String {
    format!(r#"{{"jsonrpc":"2.0","method":"cancel","params":{{"id":{id}}}}}"#)
}

/// Writes an answer; `result` is JSON text.
pub fn answer(id: u64, result: Result<&str, &WireError>) -> String {
    match result {
        Ok(result) => format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#),
        Err(error) => {
            let data = json!({ "kind": error.kind, "detail": error.detail });
            let error = json!({ "code": CODE, "message": error.message, "data": data });
            format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{GuestCall, HostCall};

    #[test]
    fn what_is_written_is_read_again() {
        let asked = HostCall::Load { key: "a\nb".into() };
        let line = request(7, &asked).unwrap();
        assert!(!line.contains('\n'));
        let Frame::Request { id: 7, method, params } = Frame::parse(&line).unwrap() else {
            panic!("{line}")
        };
        assert_eq!(call::<HostCall>(&method, params).unwrap(), asked);

        let line = answer(7, Ok("null"));
        let Frame::Answer { id: 7, result: Ok(result) } = Frame::parse(&line).unwrap() else {
            panic!("{line}")
        };
        assert_eq!(result.get(), "null");

        let error = WireError::from(crate::HostError::limit("a value", 9));
        let line = answer(8, Err(&error));
        let Frame::Answer { id: 8, result: Err(read) } = Frame::parse(&line).unwrap() else {
            panic!("{line}")
        };
        assert_eq!(read, error);
        assert!(matches!(Frame::parse(&cancel(3)), Ok(Frame::Notification { .. })));
    }

    #[test]
    fn a_call_without_parameters_may_say_so_in_any_way() {
        for params in [None, Some("null"), Some("{}")] {
            let raw = params.map(|text| serde_json::from_str::<&RawValue>(text).unwrap());
            assert_eq!(call::<GuestCall>("unload", raw).unwrap(), GuestCall::Unload);
            let all = HostCall::ListFiles { folder: String::new() };
            assert_eq!(call::<HostCall>("list_files", raw).unwrap(), all);
        }
        assert!(call::<HostCall>("no_such_call", None).is_err());
    }

    #[test]
    fn what_is_no_message_is_refused() {
        for line in [
            "",
            "garbage",
            "[]",
            "{}",
            r#"{"jsonrpc":"1.0","id":1,"method":"x"}"#,
            r#"{"jsonrpc":"2.0"}"#,
            r#"{"jsonrpc":"2.0","id":-1,"method":"x"}"#,
            r#"{"jsonrpc":"2.0","result":1}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"x","result":1}"#,
        ] {
            assert!(Frame::parse(line).is_err(), "{line}");
        }
    }
}
