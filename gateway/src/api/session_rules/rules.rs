//! The rules of one session at a time.

use actix_web::web::Data;
use firstlight_core::db::{RuleKey, RuleTargets, ServiceRule, StoredRules};
use firstlight_core::messages::Message;
use firstlight_core::model::SessionKey;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::available::{self, Nothing, Persona, Plugin, Provider};
use crate::api::shapes::{filled, page, required, wrong};
use crate::app::App;
use crate::http::{Answer, ApiError, Code, Json, Query, Reply, RuntimeLease, Wanted};

/// How many entries a page has when nobody says.
const ORDINARY_PAGE: u32 = 10;
/// How many sessions one call names at most.
pub(super) const MOST_NAMED: usize = 10_000;

/// Which sessions.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "SessionRuleQuery")]
pub struct Which {
    #[serde(default)]
    page: Option<u32>,
    /// 10 when absent, 100 at most.
    #[serde(default)]
    page_size: Option<u32>,
    /// A part of the session key or of the name that the session was given.
    #[serde(default)]
    search: Option<String>,
}

/// Sessions that have rules, and what rules can choose from.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SessionRuleList")]
pub struct List {
    rules: Vec<Rules>,
    total: i64,
    page: u32,
    page_size: u32,
    available_personas: Vec<Persona>,
    available_chat_providers: Vec<Provider>,
    available_stt_providers: Nothing,
    available_tts_providers: Nothing,
    available_plugins: Vec<Plugin>,
    available_kbs: Nothing,
    available_rule_keys: Vec<&'static str>,
}

/// A session with its rules.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SessionRules")]
pub struct Rules {
    umo: String,
    /// By the name of the rule.
    rules: StoredRules,
    #[serde(flatten)]
    parts: Parts,
}

/// The parts of a session key; absent when it has another form.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SessionKeyParts")]
pub struct Parts {
    #[serde(skip_serializing_if = "Option::is_none")]
    platform: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<String>,
}

/// A rule to be set.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "SetSessionRule")]
pub struct Set {
    #[serde(default)]
    umo: String,
    #[serde(default)]
    rule_key: String,
    #[serde(default)]
    rule_value: Value,
}

/// Which rule; all of the session when absent.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "DeleteSessionRule")]
pub struct Delete {
    #[serde(default)]
    umo: String,
    #[serde(default)]
    rule_key: Option<String>,
}

/// Whose rules.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "DeleteSessionRules")]
pub struct DeleteAll {
    #[serde(default)]
    umos: Vec<String>,
}

/// A rule that was set or deleted.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SessionRuleChanged")]
pub struct Changed {
    message: String,
    umo: String,
}

/// What became of several.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SessionRulesDeleted")]
pub struct Deleted {
    message: String,
    deleted_count: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failed_umos: Vec<String>,
}

/// `GET /api/session/list-rule`
pub async fn list(app: Data<App>, lease: RuntimeLease, Query(which): Query<Which>) -> Answer<List> {
    let page = page(which.page, which.page_size, ORDINARY_PAGE);
    let search = filled(which.search.as_deref());
    let found = app.database.session_rules().list(search, page).await?;
    Ok(Reply::data(List {
        rules: found.sessions.into_iter().map(Rules::of).collect(),
        total: found.total,
        page: page.number,
        page_size: page.size,
        available_personas: available::personas(&app).await?,
        available_chat_providers: available::chat_providers(&lease),
        available_stt_providers: Nothing::new(),
        available_tts_providers: Nothing::new(),
        available_plugins: available::plugins(&lease),
        available_kbs: Nothing::new(),
        available_rule_keys: RuleKey::ALL.map(RuleKey::as_str).to_vec(),
    }))
}

/// `POST /api/session/update-rule`
pub async fn set(
    app: Data<App>,
    Wanted(language): Wanted,
    Json(set): Json<Set>,
) -> Answer<Changed> {
    let umo = session(&set.umo)?;
    let key = rule(&set.rule_key)?;
    let value = checked(&umo, key, set.rule_value)?;
    let one = RuleTargets::Sessions(vec![umo.clone()]);
    app.database.session_rules().set(one, key, Some(value)).await?;
    let message = Message::ChangeSaved.text(language).into_owned();
    Ok(Reply::data(Changed { message, umo }))
}

/// `POST /api/session/delete-rule`
pub async fn delete(
    app: Data<App>,
    Wanted(language): Wanted,
    Json(delete): Json<Delete>,
) -> Answer<Changed> {
    let umo = required("umo", &delete.umo)?.to_owned();
    let (rules, message) = (app.database.session_rules(), Message::EntryDeleted.text(language));
    match filled(delete.rule_key.as_deref()) {
        Some(key) => {
            let one = RuleTargets::Sessions(vec![umo.clone()]);
            rules.set(one, rule(key)?, None).await?;
        }
        None => drop(rules.delete(vec![umo.clone()]).await?),
    }
    Ok(Reply::data(Changed { message: message.into_owned(), umo }))
}

/// `POST /api/session/batch-delete-rule`
pub async fn delete_several(
    app: Data<App>,
    Wanted(language): Wanted,
    Json(delete): Json<DeleteAll>,
) -> Answer<Deleted> {
    if delete.umos.is_empty() || delete.umos.len() > MOST_NAMED {
        return Err(wrong("umos", format!("must be a list of 1 to {MOST_NAMED}")));
    }
    let asked = delete.umos.len();
    let failed_umos = app.database.session_rules().delete(delete.umos).await?;
    Ok(Reply::data(Deleted {
        message: Message::EntryDeleted.text(language).into_owned(),
        deleted_count: asked - failed_umos.len(),
        failed_umos,
    }))
}

/// A session key in its form.
pub(super) fn session(umo: &str) -> Result<String, ApiError> {
    let umo = required("umo", umo)?;
    let key: SessionKey = umo.parse().map_err(|error| wrong("umo", format!("{error}")))?;
    Ok(key.to_string())
}

fn rule(name: &str) -> Result<RuleKey, ApiError> {
    RuleKey::from_name(required("rule_key", name)?)
        .ok_or_else(|| wrong("rule_key", RuleKey::ALL.map(RuleKey::as_str).join(", ")))
}

/// A value as it is stored, when it has the form that turns read.
fn checked(umo: &str, key: RuleKey, value: Value) -> Result<Value, ApiError> {
    let refuse = |reason: &str| Err(wrong("rule_value", reason));
    match (key, value) {
        (RuleKey::Service, value @ Value::Object(_)) => {
            match serde_json::from_value::<ServiceRule>(value.clone()) {
                Ok(_) => Ok(value),
                Err(error) => refuse(&error.to_string()),
            }
        }
        // The contract keeps it below the session's key once more (reference 2.7).
        (RuleKey::Plugins, Value::Object(value)) if value.contains_key(umo) => {
            Ok(Value::Object(value))
        }
        (RuleKey::Plugins, Value::Object(value)) => Ok(json!({ umo: value })),
        (RuleKey::Knowledge, value @ Value::Object(_)) => Ok(value),
        (RuleKey::Service | RuleKey::Plugins | RuleKey::Knowledge, _) => refuse("not an object"),
        (RuleKey::Chat | RuleKey::SpeechToText | RuleKey::TextToSpeech, Value::String(id))
            if !id.is_empty() =>
        {
            Ok(Value::String(id))
        }
        (RuleKey::Chat | RuleKey::SpeechToText | RuleKey::TextToSpeech, _) => {
            refuse("not the id of a provider")
        }
    }
}

impl Rules {
    fn of((umo, mut rules): (String, StoredRules)) -> Self {
        let name = RuleKey::Plugins.as_str();
        if let Some(own) = rules.get_mut(name).and_then(|value| value.get_mut(&umo)) {
            let own = own.take();
            rules.insert(name.to_owned(), own);
        }
        Self { parts: Parts::of(&umo), umo, rules }
    }
}

impl Parts {
    pub(super) fn of(umo: &str) -> Self {
        let key: Option<SessionKey> = umo.parse().ok();
        Self {
            platform: key.as_ref().map(|key| key.platform().to_string()),
            message_type: key.as_ref().map(|key| key.kind().as_str()),
            session_id: key.as_ref().map(|key| key.session().to_owned()),
        }
    }
}

/// Nothing was given that could be changed.
pub(super) fn nothing() -> ApiError {
    ApiError::new(Code::NothingToChange)
}
