//! Rules for many sessions at once.

use actix_web::web::Data;
use firstlight_core::db::{RuleKey, RuleTargets};
use firstlight_core::messages::{Language, Message};
use firstlight_core::model::MessageKind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::rules::{MOST_NAMED, nothing, session};
use crate::api::shapes::{filled, required, wrong};
use crate::app::App;
use crate::http::{Answer, ApiError, Code, Json, Reply, RuntimeLease, Wanted};

/// Which sessions: these, or those of a scope.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "SessionTargets")]
pub struct Targets {
    #[serde(default)]
    umos: Vec<String>,
    #[serde(default)]
    scope: Option<Scope>,
    /// Which group, with the scope `custom_group`.
    #[serde(default)]
    group_id: Option<String>,
}

/// All sessions of a kind.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "SessionScope")]
pub enum Scope {
    All,
    Group,
    Private,
    CustomGroup,
}

/// Switches to be set. What is absent stays.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "SetSessionSwitches")]
pub struct Switches {
    #[serde(flatten)]
    targets: Targets,
    #[serde(default)]
    session_enabled: Option<bool>,
    #[serde(default)]
    llm_enabled: Option<bool>,
    #[serde(default)]
    tts_enabled: Option<bool>,
}

/// A provider to be chosen.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "SetSessionProvider")]
pub struct Provider {
    #[serde(flatten)]
    targets: Targets,
    /// `chat_completion`, `speech_to_text` or `text_to_speech`.
    #[serde(default)]
    provider_type: String,
    /// Empty: as the profile says.
    #[serde(default)]
    provider_id: String,
}

/// What became of it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SessionsChanged")]
pub struct Outcome {
    message: String,
    success_count: u64,
    failed_count: usize,
    failed_umos: Vec<String>,
}

/// `POST /api/session/batch-update-service`
pub async fn switches(
    app: Data<App>,
    Wanted(language): Wanted,
    Json(given): Json<Switches>,
) -> Answer<Outcome> {
    let named = [
        ("session_enabled", given.session_enabled),
        ("llm_enabled", given.llm_enabled),
        ("tts_enabled", given.tts_enabled),
    ];
    let switches: Map<String, Value> = named
        .into_iter()
        .filter_map(|(name, on)| Some((name.to_owned(), Value::Bool(on?))))
        .collect();
    if switches.is_empty() {
        return Err(nothing());
    }
    let (targets, failed) = given.targets.resolve(&app).await?;
    let count = app.database.session_rules().set_switches(targets, &switches).await?;
    Ok(Reply::data(Outcome::of(language, count, failed)))
}

/// `POST /api/session/batch-update-provider`
pub async fn provider(
    app: Data<App>,
    lease: RuntimeLease,
    Wanted(language): Wanted,
    Json(given): Json<Provider>,
) -> Answer<Outcome> {
    let key = match required("provider_type", &given.provider_type)? {
        "chat_completion" => RuleKey::Chat,
        "speech_to_text" => RuleKey::SpeechToText,
        "text_to_speech" => RuleKey::TextToSpeech,
        _ => {
            let known = "chat_completion, speech_to_text or text_to_speech";
            return Err(wrong("provider_type", known));
        }
    };
    let id = filled(Some(&given.provider_id));
    if let Some(id) = id {
        // There are no providers of speech yet, so none can be chosen.
        if key != RuleKey::Chat || lease.providers.chat(id).is_none() {
            return Err(ApiError::with(Code::NotFound, format!("There is no provider {id:?}.")));
        }
    }
    let value = id.map(Value::from);
    let (targets, failed) = given.targets.resolve(&app).await?;
    let count = app.database.session_rules().set(targets, key, value).await?;
    Ok(Reply::data(Outcome::of(language, count, failed)))
}

impl Targets {
    /// The sessions, and the names that are none.
    async fn resolve(self, app: &App) -> Result<(RuleTargets, Vec<String>), ApiError> {
        let named = match self.scope {
            _ if !self.umos.is_empty() => self.umos,
            Some(Scope::All) => return Ok((RuleTargets::Known, Vec::new())),
            Some(Scope::Group) => {
                return Ok((RuleTargets::KnownOfKind(MessageKind::Group), Vec::new()));
            }
            Some(Scope::Private) => {
                return Ok((RuleTargets::KnownOfKind(MessageKind::Friend), Vec::new()));
            }
            Some(Scope::CustomGroup) => {
                let id = required("group_id", self.group_id.as_deref().unwrap_or_default())?;
                let group = app.database.session_groups().by_id(id).await?;
                let missing = || ApiError::with(Code::NotFound, Message::SessionGroupMissing);
                group.ok_or_else(missing)?.umos
            }
            None => return Err(wrong("umos", "name sessions, or a scope")),
        };
        if named.len() > MOST_NAMED {
            return Err(wrong("umos", format!("more than {MOST_NAMED}")));
        }
        let (right, failed): (Vec<_>, Vec<_>) =
            named.into_iter().partition(|umo| session(umo).is_ok_and(|key| key == *umo));
        Ok((RuleTargets::Sessions(right), failed))
    }
}

impl Outcome {
    fn of(language: Language, success_count: u64, failed_umos: Vec<String>) -> Self {
        Self {
            message: Message::ChangeSaved.text(language).into_owned(),
            success_count,
            failed_count: failed_umos.len(),
            failed_umos,
        }
    }
}
