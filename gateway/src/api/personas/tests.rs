//! The rows on a real database and a real runtime.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::app::App;
use crate::routes::TABLE;
use crate::testing::{Phase, app_in, data, post, send, signed};

async fn get(app: &Arc<App>, path: &str) -> Value {
    data(send(app, &TABLE, signed(path)).await)
}

async fn detail(app: &Arc<App>, id: &str) -> Value {
    data(post(app, "/api/persona/detail", json!({"persona_id": id})).await)
}

fn ids(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|one| one["persona_id"].as_str().unwrap()).collect()
}

#[actix_web::test]
async fn a_persona_is_made_changed_copied_and_deleted() {
    let app = app_in(Phase::Ready).await;
    let new = json!({"persona_id": "ada", "system_prompt": "You are Ada.",
        "begin_dialogs": ["Hi", "Hello"], "tools": []});
    let made = data(post(&app, "/api/persona/create", new.clone()).await);
    assert_eq!((&made["persona"]["tools"], &made["persona"]["skills"]), (&json!([]), &json!(null)));
    assert_eq!(post(&app, "/api/persona/create", new).await.code, "conflict");
    let all_tools = json!({"persona_id": "ada", "tools": null, "custom_error_message": "Later."});
    data(post(&app, "/api/persona/update", all_tools).await);
    let read = detail(&app, "ada").await;
    assert_eq!((&read["tools"], &read["custom_error_message"]), (&json!(null), &json!("Later.")));
    assert_eq!(read["begin_dialogs"], json!(["Hi", "Hello"]), "what is absent stays");
    let copy = json!({"source_persona_id": "ada", "new_persona_id": "eve"});
    data(post(&app, "/api/persona/clone", copy).await);
    data(post(&app, "/api/persona/delete", json!({"persona_id": "ada"})).await);
    assert_eq!(ids(&get(&app, "/api/persona/list").await), ["eve"]);
    let gone = json!({"persona_id": "ada"});
    assert_eq!(post(&app, "/api/persona/delete", gone).await.code, "not_found");
}

#[actix_web::test]
async fn what_no_persona_can_be_is_refused() {
    let app = app_in(Phase::Ready).await;
    for wrong in [
        json!({"persona_id": "", "system_prompt": "x"}),
        json!({"persona_id": "[%None]", "system_prompt": "x"}),
        json!({"persona_id": "a\nb", "system_prompt": "x"}),
        json!({"persona_id": "a".repeat(256), "system_prompt": "x"}),
        json!({"persona_id": "a", "system_prompt": " "}),
        json!({"persona_id": "a", "system_prompt": "x", "begin_dialogs": ["odd"]}),
    ] {
        assert_eq!(post(&app, "/api/persona/create", wrong).await.code, "invalid");
    }
    let nowhere = json!({"persona_id": "a", "system_prompt": "x", "folder_id": "nothing"});
    assert_eq!(post(&app, "/api/persona/create", nowhere).await.code, "not_found");
    assert!(get(&app, "/api/persona/list").await.as_array().unwrap().is_empty());
}

#[actix_web::test]
async fn folders_form_a_tree_that_personas_move_in() {
    let app = app_in(Phase::Ready).await;
    let make = async |name: &str, parent: Value| -> Value {
        let body = json!({"name": name, "parent_id": parent});
        let made = data(post(&app, "/api/persona/folder/create", body).await);
        made["folder"]["folder_id"].clone()
    };
    let top = make("top", Value::Null).await;
    let below = make("below", top.clone()).await;
    let other = make("other", Value::Null).await;
    let new = json!({"persona_id": "ada", "system_prompt": "x"});
    data(post(&app, "/api/persona/create", new).await);
    data(post(&app, "/api/persona/move", json!({"persona_id": "ada", "folder_id": below})).await);
    assert!(ids(&get(&app, "/api/persona/list?folder_id=").await).is_empty());
    let path = format!("/api/persona/list?folder_id={}", below.as_str().unwrap());
    assert_eq!(ids(&get(&app, &path).await), ["ada"]);
    let places = json!({"items": [{"id": other, "type": "folder", "sort_order": 0},
        {"id": top, "type": "folder", "sort_order": 1}]});
    data(post(&app, "/api/persona/reorder", places).await);
    let tree = get(&app, "/api/persona/folder/tree").await;
    assert_eq!(
        (&tree[0]["name"], &tree[1]["children"][0]["name"]),
        (&json!("other"), &json!("below"))
    );
    let into_itself = json!({"folder_id": top, "parent_id": below});
    assert_eq!(post(&app, "/api/persona/folder/update", into_itself).await.code, "invalid");
    let renamed = json!({"folder_id": top, "name": "Top"});
    data(post(&app, "/api/persona/folder/update", renamed).await);
    data(post(&app, "/api/persona/folder/delete", json!({"folder_id": below})).await);
    assert_eq!(detail(&app, "ada").await["folder_id"], top);
    let read = data(post(&app, "/api/persona/folder/detail", json!({"folder_id": top})).await);
    assert_eq!(read["name"], "Top");
    assert_eq!(get(&app, "/api/persona/folder/list").await.as_array().unwrap().len(), 2);
    data(post(&app, "/api/persona/move", json!({"persona_id": "ada", "folder_id": null})).await);
    assert_eq!(detail(&app, "ada").await["folder_id"], Value::Null);
}
