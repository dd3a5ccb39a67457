//! Conversations as an operator sees them, ten thousand of them.

use serde_json::json;
use sqlx::AssertSqlSafe;

use super::fresh::fresh;
use crate::db::conversation_lists::ORDER;
use crate::db::{
    Conversation, ConversationChange, ConversationFilter, Database, HistoryText, NewConversation,
    NewMessage, Page,
};

async fn begin(database: &Database, umo: &str, title: Option<&str>) -> Conversation {
    let new = NewConversation {
        platform_id: umo.split(':').next().unwrap().into(),
        umo: umo.into(),
        title: title.map(str::to_owned),
        persona_id: None,
    };
    database.conversations().create(new).await.unwrap()
}

fn message(text: &str) -> NewMessage {
    let content = json!({"role": "user", "content": text});
    NewMessage { role: "user".into(), content, tokens: 3 }
}

/// Ten thousand conversations of four platforms, half of them in groups, one a second.
async fn ten_thousand() -> (tempfile::TempDir, Database) {
    let (folder, database) = fresh().await;
    database
        .write(|connection| {
            Box::pin(async move {
                sqlx::query(
                    "WITH RECURSIVE numbers (value) AS (
                         SELECT 1 UNION ALL SELECT value + 1 FROM numbers WHERE value < 10000)
                     INSERT INTO conversations
                         (conversation_id, platform_id, umo, title, created_at, updated_at)
                     SELECT 'c' || value, 'p' || (value % 4),
                         'p' || (value % 4) || iif(value % 2, ':GroupMessage:', ':FriendMessage:')
                             || value,
                         'Talk ' || value, value * 1000, value * 1000
                     FROM numbers",
                )
                .execute(connection)
                .await?;
                Ok(())
            })
        })
        .await
        .unwrap();
    (folder, database)
}

async fn plan(database: &Database, filter: &ConversationFilter, columns: &'static str) -> String {
    let order = if columns == "*" { ORDER } else { "" };
    let sql = format!("EXPLAIN QUERY PLAN {}{order}", filter.query(columns).into_sql().as_str());
    // Without the values that are bound the plan is the same.
    let steps: Vec<(i64, i64, i64, String)> =
        sqlx::query_as(AssertSqlSafe(sql)).fetch_all(database.readers()).await.unwrap();
    steps.into_iter().map(|step| step.3).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn filters_and_pages_are_the_databases_work() {
    let (_folder, database) = ten_thousand().await;
    let page = |number| Page { number, size: 20 };
    let search = async |filter: &ConversationFilter, number| {
        let found = database.conversations().search(filter, page(number)).await.unwrap();
        let ids = found.conversations.into_iter().map(|found| found.conversation_id);
        (ids.collect::<Vec<_>>(), found.total)
    };
    let all = ConversationFilter::default();
    let (ids, total) = search(&all, 1).await;
    assert_eq!((ids.len(), ids[0].as_str(), total), (20, "c10000", 10_000));
    assert_eq!(search(&all, 500).await.0[19], "c1");
    assert!(search(&all, 501).await.0.is_empty());
    let one = ConversationFilter { platforms: vec!["p1".into()], ..all.clone() };
    assert_eq!(search(&one, 1).await.1, 2_500);
    let two = ConversationFilter { platforms: vec!["p1".into(), "p2".into()], ..all.clone() };
    assert_eq!(search(&two, 1).await.1, 5_000);
    let groups = ConversationFilter { message_types: vec!["GroupMessage".into()], ..two.clone() };
    assert_eq!(search(&groups, 1).await.1, 2_500);
    let without = ConversationFilter {
        exclude_platforms: vec!["p0".into()],
        exclude_sessions: vec!["p1:Group".into()],
        ..all.clone()
    };
    assert_eq!(search(&without, 1).await.1, 5_000);
    let by_title = ConversationFilter { search: Some("talk 777".into()), ..all.clone() };
    let (ids, total) = search(&by_title, 1).await;
    assert_eq!((ids[0].as_str(), total), ("c7779", 11));
    let literal = ConversationFilter { search: Some("7_7".into()), ..all };
    assert_eq!(search(&literal, 1).await.1, 0, "a search is no pattern");
}

#[tokio::test]
async fn lists_are_read_in_the_order_of_an_index() {
    let (_folder, database) = ten_thousand().await;
    let all = ConversationFilter::default();
    let one = ConversationFilter { platforms: vec!["p1".into()], ..all.clone() };
    let groups = ConversationFilter { message_types: vec!["GroupMessage".into()], ..all.clone() };
    for (filter, index) in [
        (&all, "SCAN conversations USING INDEX conversations_listed"),
        (&groups, "SCAN conversations USING INDEX conversations_listed"),
        (&one, "SEARCH conversations USING INDEX conversations_by_platform"),
    ] {
        let listed = plan(&database, filter, "*").await;
        assert!(listed.contains(index) && !listed.contains("TEMP B-TREE"), "{listed}");
    }
    for filter in [&all, &one] {
        let counted = plan(&database, filter, "count(*)").await;
        assert!(counted.contains("USING COVERING INDEX"), "{counted}");
    }
}

#[tokio::test]
async fn a_history_is_read_whole_in_pieces_and_replaced_in_one_go() {
    let (_folder, database) = fresh().await;
    let conversations = database.conversations();
    let Conversation { conversation_id: id, umo, .. } =
        begin(&database, "qq:GroupMessage:1", None).await;
    assert_eq!(conversations.history_text(&id, 99).await.unwrap(), HistoryText::Whole("[]".into()));
    let messages = vec![message("one"), message("two"), message("three")];
    conversations.append_messages(&id, messages).await.unwrap();
    let HistoryText::Whole(text) = conversations.history_text(&id, 999).await.unwrap() else {
        panic!("too large")
    };
    let read: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(read[2], json!({"role": "user", "content": "three"}));
    assert_eq!(conversations.history_text(&id, 50).await.unwrap(), HistoryText::TooLarge);
    let first = conversations.history_piece(&id, 0, 2).await.unwrap();
    let rest = conversations.history_piece(&id, first[1].0, 2).await.unwrap();
    assert_eq!((first.len(), rest.len()), (2, 1));
    assert!(conversations.replace_history(&umo, &id, vec![message("anew")]).await.unwrap());
    assert_eq!(conversations.by_id(&id).await.unwrap().unwrap().token_usage, 3);
    assert_eq!(conversations.window(&id, 1_000).await.unwrap().len(), 1);
    assert!(!conversations.replace_history("qq:GroupMessage:2", &id, Vec::new()).await.unwrap());
    assert_eq!(conversations.window(&id, 1_000).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_change_leaves_what_it_does_not_name() {
    let (_folder, database) = fresh().await;
    let conversations = database.conversations();
    let Conversation { conversation_id: id, umo, .. } =
        begin(&database, "qq:GroupMessage:1", Some("Old")).await;
    let persona = ConversationChange {
        persona_id: Some(Some("[%None]".into())),
        ..ConversationChange::default()
    };
    assert!(conversations.change(&umo, &id, persona).await.unwrap());
    let untitled = ConversationChange { title: Some(None), ..ConversationChange::default() };
    let read = async || conversations.of_session(&umo, &id).await.unwrap().unwrap();
    assert_eq!(read().await.title.as_deref(), Some("Old"));
    assert!(conversations.change(&umo, &id, untitled.clone()).await.unwrap());
    let changed = read().await;
    assert_eq!((changed.title, changed.persona_id.as_deref()), (None, Some("[%None]")));
    assert!(!conversations.change("qq:GroupMessage:2", &id, untitled).await.unwrap());
}

#[tokio::test]
async fn deleting_says_of_each_whether_it_was_there_and_deselects_it() {
    let (_folder, database) = fresh().await;
    let conversations = database.conversations();
    let kept = begin(&database, "qq:GroupMessage:1", None).await;
    let gone = begin(&database, "qq:GroupMessage:1", None).await;
    conversations.append_messages(&gone.conversation_id, vec![message("x")]).await.unwrap();
    let named = [
        (gone.umo.clone(), gone.conversation_id.clone()),
        ("qq:GroupMessage:2".to_owned(), kept.conversation_id.clone()),
        ("qq:GroupMessage:1".to_owned(), "nothing".to_owned()),
    ];
    assert_eq!(conversations.delete(&named).await.unwrap(), [true, false, false]);
    assert_eq!(conversations.selected(&gone.umo).await.unwrap(), None);
    let selected = database.preferences().load("umo", &gone.umo, "sel_conv_id").await.unwrap();
    assert_eq!(selected, None);
    assert!(conversations.history_piece(&gone.conversation_id, 0, 9).await.unwrap().is_empty());
    assert!(conversations.by_id(&kept.conversation_id).await.unwrap().is_some());
}

#[tokio::test]
async fn the_next_turn_sees_another_persona_and_does_not_talk_in_what_was_deleted() {
    let (_folder, database) = fresh().await;
    let conversations = database.conversations();
    let umo = "qq:GroupMessage:1";
    let new = || NewConversation {
        platform_id: "qq".into(),
        umo: umo.into(),
        title: None,
        persona_id: None,
    };
    let first = conversations.talks_in(new()).await.unwrap();
    let change = ConversationChange {
        persona_id: Some(Some("ada".into())),
        ..ConversationChange::default()
    };
    assert!(conversations.change(umo, &first.conversation_id, change).await.unwrap());
    let then = conversations.talks_in(new()).await.unwrap();
    assert_eq!(then.persona_id.as_deref(), Some("ada"));
    conversations.delete(&[(umo.into(), first.conversation_id.clone())]).await.unwrap();
    let after = conversations.talks_in(new()).await.unwrap();
    assert_ne!(after.conversation_id, first.conversation_id);
}
