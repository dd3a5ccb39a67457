//! Values of another type that lose nothing.

use serde_json::{Number, Value};

use super::item::ItemType;

/// As many digits as a float keeps, whatever they are.
const DIGITS: usize = 15;

/// The value as that type has it, if it says the same.
pub(super) fn lossless(to: ItemType, value: &Value) -> Option<Value> {
    match (to, value) {
        (ItemType::String | ItemType::Text, Value::Number(_) | Value::Bool(_)) => {
            Some(Value::String(value.to_string()))
        }
        (ItemType::Int | ItemType::Float, Value::String(text)) => number(text).map(Value::Number),
        (ItemType::List, Value::String(_) | Value::Number(_) | Value::Bool(_))
        | (ItemType::File, Value::String(_))
        | (ItemType::TemplateList, Value::Object(_)) => Some(Value::Array(vec![value.clone()])),
        _ => None,
    }
}

/// The number that a text is. One with more digits than are kept is none.
fn number(text: &str) -> Option<Number> {
    let number: Number = serde_json::from_str(text).ok()?;
    let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
    let digits = mantissa.chars().filter(char::is_ascii_digit).skip_while(|digit| *digit == '0');
    (!number.is_f64() || digits.count() <= DIGITS).then_some(number)
}

/// What kind of JSON a value is.
pub(super) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
