//! The repositories that authentication stands on, and preferences.

use serde_json::json;

use super::fresh::fresh;
use crate::db::{Database, DbError, NewApiKey, NewLoginSession, Scopes};

const FAR: i64 = i64::MAX;

async fn log_in(database: &Database, account: &str, id: &str, expires_at: i64) {
    let new = NewLoginSession {
        id: id.into(),
        account_id: account.into(),
        token_hash: format!("hash of {id}"),
        user_agent: "test".into(),
        address: "127.0.0.1".into(),
        expires_at,
    };
    database.login_sessions().create(new).await.unwrap();
}

#[tokio::test]
async fn an_account_is_found_by_name_and_its_name_is_unique() {
    let (_folder, database) = fresh().await;
    let accounts = database.accounts();
    assert!(!accounts.any().await.unwrap());
    let made = accounts.create("ada", "hash").await.unwrap();
    assert!(accounts.any().await.unwrap());
    assert_eq!(accounts.by_name("ada").await.unwrap(), Some(made.clone()));
    assert_eq!(accounts.by_id(&made.id).await.unwrap(), Some(made.clone()));
    assert_eq!(accounts.by_name("bob").await.unwrap(), None);
    assert!(matches!(accounts.create("ada", "other").await, Err(DbError::Taken(_))));
    assert!(accounts.rename(&made.id, "lovelace").await.unwrap());
    assert!(accounts.by_name("lovelace").await.unwrap().is_some());
    assert!(!accounts.rename("nobody", "x").await.unwrap());
}

#[tokio::test]
async fn of_two_set_ups_at_once_one_wins() {
    let (_folder, database) = fresh().await;
    let accounts = database.accounts();
    let (a, b) = tokio::join!(accounts.create_first("a", "h"), accounts.create_first("b", "h"));
    assert_eq!(usize::from(a.unwrap().is_some()) + usize::from(b.unwrap().is_some()), 1);
}

#[tokio::test]
async fn a_new_password_ends_all_log_ins_of_that_account_only() {
    let (_folder, database) = fresh().await;
    let ada = database.accounts().create("ada", "old").await.unwrap();
    let bob = database.accounts().create("bob", "old").await.unwrap();
    log_in(&database, &ada.id, "1", FAR).await;
    log_in(&database, &bob.id, "2", FAR).await;
    assert!(database.accounts().set_password(&ada.id, "new").await.unwrap());
    let sessions = database.login_sessions();
    assert!(sessions.by_token_hash("hash of 1").await.unwrap().is_none());
    assert_eq!(sessions.by_token_hash("hash of 2").await.unwrap().unwrap().username, "bob");
    let ada = database.accounts().by_id(&ada.id).await.unwrap().unwrap();
    assert_eq!(ada.password_hash, "new");
}

#[tokio::test]
async fn an_expired_log_in_is_not_found_and_can_be_purged() {
    let (_folder, database) = fresh().await;
    let ada = database.accounts().create("ada", "hash").await.unwrap();
    let sessions = database.login_sessions();
    log_in(&database, &ada.id, "old", 1).await;
    log_in(&database, &ada.id, "live", FAR).await;
    assert!(sessions.by_token_hash("hash of old").await.unwrap().is_none());
    assert_eq!(sessions.list(&ada.id).await.unwrap().len(), 1);
    assert_eq!(sessions.purge_expired().await.unwrap(), 1);
    sessions.touch("live", Some(FAR - 1)).await.unwrap();
    let live = sessions.by_token_hash("hash of live").await.unwrap().unwrap();
    assert_eq!(live.expires_at, FAR - 1);
    assert!(sessions.revoke("live").await.unwrap());
    assert!(!sessions.revoke("live").await.unwrap());
    log_in(&database, &ada.id, "again", FAR).await;
    assert_eq!(sessions.revoke_all(&ada.id).await.unwrap(), 1);
}

#[tokio::test]
async fn a_log_in_needs_an_account() {
    let (_folder, database) = fresh().await;
    let new = NewLoginSession {
        id: "1".into(),
        account_id: "nobody".into(),
        token_hash: "hash".into(),
        user_agent: String::new(),
        address: String::new(),
        expires_at: FAR,
    };
    let refused = database.login_sessions().create(new).await;
    assert!(matches!(refused, Err(DbError::Missing { what: "account" })));
}

#[tokio::test]
async fn an_api_key_keeps_its_scopes_and_dies_when_revoked() {
    let (_folder, database) = fresh().await;
    let keys = database.api_keys();
    let new = |name: &str, scopes| NewApiKey {
        name: name.into(),
        key_hash: format!("hash of {name}"),
        key_prefix: "abk_12345678".into(),
        scopes,
        created_by: "ada".into(),
        expires_at: None,
    };
    let all = keys.create(new("all", Scopes::All)).await.unwrap();
    let chat = keys.create(new("chat", Scopes::Only(vec!["chat".into()]))).await.unwrap();
    assert!(all.scopes.allow("file") && !chat.scopes.allow("file") && chat.scopes.allow("chat"));
    let listed = keys.list().await.unwrap();
    assert_eq!(listed, [chat.clone(), all.clone()]);
    assert!(keys.touch(&chat.key_id).await.unwrap());
    assert!(keys.revoke(&chat.key_id).await.unwrap());
    let found = keys.by_hash("hash of chat").await.unwrap().unwrap();
    assert!(found.last_used_at.is_some() && !found.is_live(0));
    let first = found.revoked_at;
    assert!(keys.revoke(&chat.key_id).await.unwrap());
    assert_eq!(keys.by_hash("hash of chat").await.unwrap().unwrap().revoked_at, first);
    assert!(keys.delete(&chat.key_id).await.unwrap());
    assert!(!keys.delete(&chat.key_id).await.unwrap());
    assert_eq!(keys.list().await.unwrap(), [all]);
}

#[tokio::test]
async fn a_preference_is_replaced_listed_and_forgotten() {
    let (_folder, database) = fresh().await;
    let preferences = database.preferences();
    preferences.store("umo", "a:b:c", "k", json!({"x": 1})).await.unwrap();
    preferences.store("umo", "a:b:c", "k", json!([1, null, "é"])).await.unwrap();
    preferences.store("umo", "other", "k", json!(2)).await.unwrap();
    let value = preferences.load("umo", "a:b:c", "k").await.unwrap();
    assert_eq!(value, Some(json!([1, null, "é"])));
    assert_eq!(preferences.list("umo", "a:b:c").await.unwrap().len(), 1);
    assert_eq!(preferences.list_by_key("umo", "k").await.unwrap().len(), 2);
    assert!(preferences.delete("umo", "a:b:c", "k").await.unwrap());
    assert!(!preferences.delete("umo", "a:b:c", "k").await.unwrap());
    assert_eq!(preferences.load("umo", "a:b:c", "k").await.unwrap(), None);
}
