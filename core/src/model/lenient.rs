//! Reading what platforms disagree on: numbers as text, text as numbers, JSON in text.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

#[derive(Deserialize)]
#[serde(untagged)]
enum TextOr<N> {
    Text(String),
    Number(N),
}

pub(super) fn text_or_number<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<String, D::Error> {
    Ok(match TextOr::<serde_json::Number>::deserialize(deserializer)? {
        TextOr::Text(text) => text,
        TextOr::Number(number) => number.to_string(),
    })
}

pub(super) fn lenient<'de, D, N>(deserializer: D) -> Result<N, D::Error>
where
    D: Deserializer<'de>,
    N: FromStr<Err: fmt::Display> + Deserialize<'de>,
{
    match TextOr::<N>::deserialize(deserializer)? {
        TextOr::Number(number) => Ok(number),
        TextOr::Text(text) => text.trim().parse().map_err(serde::de::Error::custom),
    }
}

pub(super) fn parsed_json<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let parsed = value.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
    Ok(parsed.filter(|inner| inner.is_object() || inner.is_array()).unwrap_or(value))
}
