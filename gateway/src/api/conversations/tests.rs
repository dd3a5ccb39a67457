//! The rows on a real database and a real runtime.

use std::sync::Arc;

use actix_web::App as Actix;
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use firstlight_core::db::{Conversation, NewConversation, NewMessage};
use serde_json::{Value, json};

use crate::app::App;
use crate::http::mount::mount;
use crate::routes::TABLE;
use crate::testing::{Phase, TOKEN, app_in, data, post, send, signed};

async fn begin(app: &App, umo: &str, title: &str) -> Conversation {
    let new = NewConversation {
        platform_id: umo.split(':').next().unwrap().into(),
        umo: umo.into(),
        title: Some(title.into()),
        persona_id: None,
    };
    app.database.conversations().create(new).await.unwrap()
}

async fn say(app: &App, id: &str, count: usize) {
    let said = |n| NewMessage {
        role: "user".into(),
        content: json!({"role": "user", "content": format!("line {n}")}),
        tokens: 2,
    };
    let messages = (0..count).map(said).collect();
    app.database.conversations().append_messages(id, messages).await.unwrap();
}

async fn list(app: &Arc<App>, query: &str) -> Value {
    let path = format!("/api/conversation/list?{query}");
    data(send(app, &TABLE, signed(&path)).await)
}

#[actix_web::test]
async fn conversations_are_listed_with_filters_and_pages() {
    let app = app_in(Phase::Ready).await;
    for n in 0..5 {
        begin(&app, &format!("qq:GroupMessage:{n}"), "Weather").await;
    }
    begin(&app, "webchat:FriendMessage:1", "Holidays").await;
    let all = list(&app, "").await;
    assert_eq!(
        all["pagination"],
        json!({"page": 1, "page_size": 20, "total": 6, "total_pages": 1})
    );
    assert!(all["conversations"][0]["created_at"].as_i64().unwrap() < 100_000_000_000);
    let page = list(&app, "platforms=qq,other&page=3&page_size=2").await;
    assert_eq!(page["pagination"]["total_pages"], 3);
    assert_eq!(page["conversations"].as_array().unwrap().len(), 1);
    let ids = list(&app, "message_types=FriendMessage").await;
    assert_eq!(ids["conversations"][0]["user_id"], "webchat:FriendMessage:1");
    assert_eq!(
        list(&app, "exclude_platforms=webchat&exclude_ids=qq:Group").await["pagination"]["total"],
        0
    );
    assert_eq!(list(&app, "search=holi").await["pagination"]["total"], 1);
}

#[actix_web::test]
async fn a_conversation_is_read_changed_and_given_another_history() {
    let app = app_in(Phase::Ready).await;
    let made = begin(&app, "qq:GroupMessage:1", "Old").await;
    say(&app, &made.conversation_id, 3).await;
    let named = json!({"user_id": made.umo, "cid": made.conversation_id});
    let with = |more: Value| {
        let mut body = named.clone();
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let change = with(json!({"title": "New", "persona_id": "[%None]"}));
    data(post(&app, "/api/conversation/update", change).await);
    let untouched = with(json!({}));
    assert_eq!(post(&app, "/api/conversation/update", untouched).await.code, "nothing_to_change");
    let read = data(post(&app, "/api/conversation/detail", named.clone()).await);
    assert_eq!((&read["title"], &read["persona_id"]), (&json!("New"), &json!("[%None]")));
    let history: Value = serde_json::from_str(read["history"].as_str().unwrap()).unwrap();
    assert_eq!(history[2], json!({"role": "user", "content": "line 2"}));
    let replace = async |history: Value| {
        post(&app, "/api/conversation/update_history", with(json!({"history": history}))).await
    };
    data(replace(json!([{"role": "user", "content": "anew"}])).await);
    data(replace(json!(r#"[{"role":"user","content":"as text"}]"#)).await);
    for wrong in [json!("[1"), json!(7), json!([{"role": "nobody", "content": "x"}]), json!(["x"])]
    {
        assert_eq!(replace(wrong).await.code, "invalid");
    }
    let read = data(post(&app, "/api/conversation/detail", named).await);
    assert!(read["history"].as_str().unwrap().contains("as text"), "a refusal replaced nothing");
    let elsewhere = json!({"user_id": "qq:GroupMessage:2", "cid": made.conversation_id});
    assert_eq!(post(&app, "/api/conversation/detail", elsewhere).await.code, "not_found");
}

#[actix_web::test]
async fn one_or_several_are_deleted_and_what_was_not_there_is_named() {
    let app = app_in(Phase::Ready).await;
    let made = [
        begin(&app, "qq:GroupMessage:1", "a").await,
        begin(&app, "qq:GroupMessage:2", "b").await,
        begin(&app, "qq:GroupMessage:3", "c").await,
    ];
    let named = |n: usize| json!({"user_id": made[n].umo, "cid": made[n].conversation_id});
    let one = data(post(&app, "/api/conversation/delete", named(0)).await);
    assert_eq!(one.as_object().unwrap().len(), 1, "only a message: {one}");
    assert_eq!(post(&app, "/api/conversation/delete", named(0)).await.code, "not_found");
    let several = json!({"conversations": [named(0), named(1), named(2)]});
    let outcome = data(post(&app, "/api/conversation/delete", several).await);
    assert_eq!((&outcome["deleted_count"], &outcome["failed_count"]), (&json!(2), &json!(1)));
    assert_eq!(outcome["failed_items"][0]["cid"], made[0].conversation_id);
}

#[actix_web::test]
async fn an_export_has_one_conversation_on_each_line_however_long_it_is() {
    let app = app_in(Phase::Ready).await;
    let long = begin(&app, "qq:GroupMessage:1", "Long").await;
    say(&app, &long.conversation_id, 501).await;
    let empty = begin(&app, "qq:GroupMessage:2", "Empty").await;
    let named = |made: &Conversation| json!({"user_id": made.umo, "cid": made.conversation_id});
    let body = json!({"conversations": [named(&long), named(&empty)]});
    let shared = Arc::clone(&app);
    let service = init_service(Actix::new().configure(|cfg| mount(cfg, &TABLE, &shared))).await;
    let request = TestRequest::post()
        .uri("/api/conversation/export")
        .insert_header(("authorization", format!("Bearer {TOKEN}")))
        .set_json(body);
    let response = call_service(&service, request.to_request()).await;
    let place = response.headers().get("content-disposition").unwrap().to_str().unwrap();
    assert!(place.starts_with("attachment"), "{place}");
    let text = String::from_utf8(read_body(response).await.to_vec()).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["content"].as_array().unwrap().len(), 501);
    assert_eq!(lines[0]["content"][500]["content"], "line 500");
    assert_eq!((&lines[1]["content"], &lines[1]["title"]), (&json!([]), &json!("Empty")));
    let nothing = json!({"conversations": [{"user_id": "x", "cid": "y"}]});
    assert_eq!(post(&app, "/api/conversation/export", nothing).await.code, "not_found");
}
