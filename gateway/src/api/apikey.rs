//! API keys: listed, made, revoked, deleted.

use actix_web::web::Data;
use firstlight_core::db::{ApiKey, Scopes};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::times::iso;
use crate::app::App;
use crate::auth::{NewKey, SCOPES};
use crate::http::{Answer, ApiError, Code, Empty, Json, Reply, Session};

const DAY_MS: i64 = 24 * 3600 * 1000;

/// A key as it is listed. The key itself is never shown again.
#[derive(Serialize, JsonSchema)]
pub struct ListedKey {
    key_id: String,
    name: String,
    /// The first characters of the key.
    key_prefix: String,
    scopes: Vec<String>,
    created_by: String,
    created_at: String,
    updated_at: String,
    last_used_at: Option<String>,
    expires_at: Option<String>,
    revoked_at: Option<String>,
    is_revoked: bool,
    is_expired: bool,
}

/// A key that was made just now.
#[derive(Serialize, JsonSchema)]
pub struct MadeKey {
    #[serde(flatten)]
    key: ListedKey,
    /// The key itself. It is shown this once.
    api_key: String,
}

/// A key to be made.
#[derive(Deserialize, JsonSchema)]
pub struct WantedKey {
    #[serde(default)]
    name: Option<String>,
    /// Some of `chat`, `config`, `file` and `im`; all of them when absent.
    #[serde(default)]
    scopes: Option<Value>,
    /// Days until it ends; never when absent.
    #[serde(default)]
    expires_in_days: Option<Value>,
}

/// Which key.
#[derive(Deserialize, JsonSchema)]
pub struct NamedKey {
    #[serde(default)]
    key_id: Option<String>,
}

/// `GET /api/apikey/list`
pub async fn list(app: Data<App>) -> Answer<Vec<ListedKey>> {
    let keys = app.auth.keys.list().await?;
    Ok(Reply::data(keys.into_iter().map(listed).collect()))
}

/// `POST /api/apikey/create`
pub async fn create(
    app: Data<App>,
    Session(caller): Session,
    Json(wanted): Json<WantedKey>,
) -> Answer<MadeKey> {
    let name = wanted.name.as_deref().map(str::trim).filter(|name| !name.is_empty());
    let new = NewKey {
        name: name.unwrap_or("Unnamed key").chars().take(100).collect(),
        scopes: scopes(wanted.scopes)?,
        created_by: caller.username.clone(),
        expires_at: expiry(wanted.expires_in_days)?,
    };
    let (key, api_key) = app.auth.keys.create(new).await?;
    Ok(Reply::data(MadeKey { key: listed(key), api_key }))
}

/// `POST /api/apikey/revoke`
pub async fn revoke(app: Data<App>, Json(named): Json<NamedKey>) -> Answer<Empty> {
    app.auth.keys.revoke(&id(named)?).await?;
    Ok(Reply::done())
}

/// `POST /api/apikey/delete`
pub async fn delete(app: Data<App>, Json(named): Json<NamedKey>) -> Answer<Empty> {
    app.auth.keys.delete(&id(named)?).await?;
    Ok(Reply::done())
}

fn id(named: NamedKey) -> Result<String, ApiError> {
    named
        .key_id
        .filter(|id| !id.trim().is_empty())
        .ok_or_else(|| ApiError::with(Code::Invalid, "key_id is missing."))
}

/// The known ones of the list, each once.
fn scopes(wanted: Option<Value>) -> Result<Vec<String>, ApiError> {
    let known = SCOPES.iter().map(ToString::to_string);
    let wanted = match wanted {
        None | Some(Value::Null) => return Ok(known.collect()),
        Some(Value::Array(wanted)) => wanted,
        Some(_) => return Err(ApiError::with(Code::Invalid, "scopes must be a list.")),
    };
    let named = |scope: &String| wanted.iter().any(|wanted| wanted.as_str() == Some(scope));
    let scopes: Vec<String> = known.filter(named).collect();
    if scopes.is_empty() {
        return Err(ApiError::with(Code::Invalid, "scopes names no scope that exists."));
    }
    Ok(scopes)
}

fn expiry(days: Option<Value>) -> Result<Option<i64>, ApiError> {
    let refused =
        || ApiError::with(Code::Invalid, "expires_in_days must be a whole number above 0.");
    match days {
        None | Some(Value::Null) => Ok(None),
        Some(days) => {
            let days = days.as_i64().filter(|days| *days > 0).ok_or_else(refused)?;
            let span = days.checked_mul(DAY_MS);
            let now = Timestamp::now().as_millisecond();
            span.and_then(|span| now.checked_add(span)).map(Some).ok_or_else(refused)
        }
    }
}

fn listed(key: ApiKey) -> ListedKey {
    let now = Timestamp::now().as_millisecond();
    ListedKey {
        is_revoked: key.revoked_at.is_some(),
        is_expired: key.expires_at.is_some_and(|at| at <= now),
        key_id: key.key_id,
        name: key.name,
        key_prefix: key.key_prefix,
        scopes: match key.scopes {
            Scopes::All => SCOPES.iter().map(ToString::to_string).collect(),
            Scopes::Only(scopes) => scopes,
        },
        created_by: key.created_by,
        created_at: iso(key.created_at),
        updated_at: iso(key.updated_at),
        last_used_at: key.last_used_at.map(iso),
        expires_at: key.expires_at.map(iso),
        revoked_at: key.revoked_at.map(iso),
    }
}
