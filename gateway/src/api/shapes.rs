//! Shapes that several domains of the contract share.

use std::borrow::Cow;

use firstlight_core::db::Page;
use firstlight_core::messages::{Language, Message};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize};

use crate::http::{Answer, ApiError, Code, Reply};

/// How many entries a page has at most.
const LARGEST_PAGE: u32 = 100;

/// A success that says so.
#[derive(Serialize, JsonSchema)]
pub struct Told {
    message: String,
}

/// A sentence as the data of a success.
pub fn told(language: Language, message: &Message) -> Answer<Told> {
    Ok(Reply::data(Told { message: message.text(language).into_owned() }))
}

/// The page that was asked for, within bounds.
pub fn page(number: Option<u32>, size: Option<u32>, ordinary: u32) -> Page {
    Page {
        number: number.unwrap_or(1).max(1),
        size: size.unwrap_or(ordinary).clamp(1, LARGEST_PAGE),
    }
}

/// How many pages there are.
pub fn pages(total: i64, page: Page) -> i64 {
    let size = i64::from(page.size.max(1));
    (total + size - 1) / size
}

/// The members of a list that is separated by commas.
pub fn commas(list: Option<&str>) -> Vec<String> {
    let members = list.unwrap_or_default().split(',').map(str::trim);
    members.filter(|member| !member.is_empty()).map(str::to_owned).collect()
}

/// A text without its outer blanks, where there is something in it.
pub fn filled(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

/// A member that must be there.
pub fn required<'a>(member: &str, text: &'a str) -> Result<&'a str, ApiError> {
    filled(Some(text)).ok_or_else(|| {
        ApiError::with(Code::Invalid, Message::FieldMissing { field: member.to_owned() })
    })
}

/// A member that is not what it has to be.
pub fn wrong(member: &str, reason: impl Into<String>) -> ApiError {
    let (field, reason) = (member.to_owned(), reason.into());
    ApiError::with(Code::Invalid, Message::FieldInvalid { field, reason })
}

/// A member of a change: absent, it stays as it is; `null` clears it.
#[derive(Debug, Default, PartialEq, Eq)]
pub enum Given<T> {
    #[default]
    Absent,
    Null,
    Value(T),
}

impl<T> Given<T> {
    /// What is to be changed: nothing, or to the outcome for the value or for none.
    pub fn map<U>(self, to: impl FnOnce(Option<T>) -> U) -> Option<U> {
        match self {
            Given::Absent => None,
            Given::Null => Some(to(None)),
            Given::Value(value) => Some(to(Some(value))),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Given<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Given::Null, Given::Value))
    }
}

impl<T: JsonSchema> JsonSchema for Given<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        Option::<T>::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Option::<T>::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_within_bounds() {
        assert_eq!(page(None, None, 20), Page { number: 1, size: 20 });
        assert_eq!(page(Some(0), Some(0), 20), Page { number: 1, size: 1 });
        assert_eq!(page(Some(3), Some(9_999), 20), Page { number: 3, size: 100 });
        let of_ten = Page { number: 1, size: 10 };
        assert_eq!([0, 1, 10, 11].map(|total| pages(total, of_ten)), [0, 1, 1, 2]);
    }

    #[test]
    fn null_is_not_the_same_as_absent() {
        #[derive(Deserialize)]
        struct Change {
            #[serde(default)]
            name: Given<String>,
        }
        let read = |text: &str| serde_json::from_str::<Change>(text).unwrap().name;
        assert_eq!(read("{}"), Given::Absent);
        assert_eq!(read(r#"{"name": null}"#), Given::Null);
        assert_eq!(read(r#"{"name": "x"}"#).map(|name| name.unwrap()), Some("x".to_owned()));
    }

    #[test]
    fn lists_of_commas_have_no_empty_members() {
        assert_eq!(commas(Some(" a,, b ,")), ["a", "b"]);
        assert!(commas(None).is_empty());
    }
}
