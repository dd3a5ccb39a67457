//! The notice that a first visit shows.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::http::{Answer, Query, Reply};

const ENGLISH: &str = include_str!("../../notice/en-US.md");
const CHINESE: &str = include_str!("../../notice/zh-CN.md");

/// In which language.
#[derive(Deserialize, JsonSchema)]
pub struct Wanted {
    #[serde(default)]
    locale: Option<String>,
}

/// The notice.
#[derive(Serialize, JsonSchema)]
pub struct Notice {
    content: Option<&'static str>,
}

/// `GET /api/stat/first-notice`
pub async fn read(Query(wanted): Query<Wanted>) -> Answer<Notice> {
    let locale = wanted.locale.unwrap_or_default();
    let content = if locale.starts_with("zh") { CHINESE } else { ENGLISH };
    Ok(Reply::data(Notice { content: Some(content) }))
}
