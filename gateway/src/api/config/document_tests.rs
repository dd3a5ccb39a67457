//! Whole documents and their history.

use serde_json::{Value, json};

use super::tests::{data, get, post};
use crate::testing::{Phase, app_in};

#[actix_web::test]
async fn a_document_is_read_saved_compared_and_rolled_back() {
    let app = app_in(Phase::Ready).await;
    let first = data(get(&app, "document?document=providers").await);
    assert_eq!(first["value"]["provider"][0]["id"], json!("demo"));
    let revision = first["revision"].as_i64().unwrap();

    let mut value = first["value"].clone();
    value["provider"][0]["id"] = json!("renamed");
    let body = json!({"document": "providers", "revision": revision, "value": value});
    let saved = data(post(&app, "document", body.clone()).await);
    let expected = json!({"document": "providers", "revision": revision + 1, "failed": []});
    assert_eq!(saved, expected);
    let ids = || {
        let lease = app.control.snapshot().state.live().unwrap().lease();
        let records = lease.providers.records();
        records.into_iter().map(|record| record.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(), ["renamed"]);
    let stale = post(&app, "document", body).await;
    assert_eq!((stale.status, stale.code.as_str()), (409, "conflict"));

    let history = data(get(&app, "history?document=providers&limit=1").await);
    assert_eq!(history["revisions"][0]["author"], json!("ada"));
    assert_eq!(history["revisions"].as_array().unwrap().len(), 1);
    let path = format!("diff?document=providers&from={revision}&to={}", revision + 1);
    let change = json!({"pointer": "/provider/0/id", "before": "demo", "after": "renamed"});
    assert_eq!(data(get(&app, &path).await)["changes"], json!([change]));
    let path = format!("revision?document=providers&revision={revision}");
    assert_eq!(data(get(&app, &path).await)["value"], first["value"]);

    let body = json!({"document": "providers", "revision": revision, "expected": revision});
    assert_eq!(post(&app, "rollback", body).await.status, 409);
    let body = json!({"document": "providers", "revision": revision});
    assert_eq!(data(post(&app, "rollback", body).await)["revision"], json!(revision + 2));
    assert_eq!(ids(), ["demo"]);
}

#[actix_web::test]
async fn a_save_that_the_runtime_cannot_take_over_stands_and_says_so() {
    let app = app_in(Phase::Ready).await;
    let value = json!({"platform": [{"id": "a", "type": "telegram"}]});
    let body = json!({"document": "platforms", "revision": 1, "value": value});
    let saved = data(post(&app, "document", body).await);
    assert_eq!(saved["failed"][0]["id"], json!("a"));
    assert_eq!(saved["revision"], json!(2));
}

#[actix_web::test]
async fn a_deleted_profile_comes_back_from_its_history() {
    let app = app_in(Phase::Failed).await;
    let made = data(post(&app, "abconf/new", json!({"name": "Night"})).await);
    let document = format!("profile:{}", made["conf_id"].as_str().unwrap());
    data(post(&app, "abconf/delete", json!({"id": made["conf_id"]})).await);
    let history = data(get(&app, &format!("history?document={document}")).await);
    assert_eq!(
        (&history["revision"], &history["revisions"][0]["deleted"]),
        (&json!(0), &json!(true))
    );
    data(post(&app, "rollback", json!({"document": document, "revision": 1})).await);
    let listed = data(get(&app, "abconfs").await);
    assert_eq!(listed["info_list"][1]["id"], made["conf_id"]);
}

#[actix_web::test]
async fn what_is_not_there_is_a_404_and_what_does_not_fit_a_400() {
    let app = app_in(Phase::Stopped).await;
    for path in [
        "document?document=profile:nobody",
        "history?document=profile:nobody",
        "revision?document=providers&revision=99",
        "diff?document=providers&from=1&to=99",
    ] {
        let seen = get(&app, path).await;
        assert_eq!((seen.status, seen.code.as_str()), (404, "not_found"), "{path}");
        assert_eq!(seen.body["data"], Value::Null);
    }
    let body = json!({"document": "profile:new", "revision": 0, "value": {}});
    assert_eq!(post(&app, "document", body).await.status, 404);
    let body = json!({"document": "plugin:runtime-status", "revision": 0, "value": {"a": 1}});
    data(post(&app, "document", body).await);
    assert_eq!(get(&app, "document?document=nonsense").await.status, 400);
    let body = json!({"document": "platforms", "revision": 1, "value": {"platform": 7}});
    let refused = post(&app, "document", body).await;
    assert_eq!((refused.status, refused.code.as_str()), (400, "invalid"));
    assert_eq!(refused.body["data"]["problems"][0]["pointer"], json!("/platform"));
}
