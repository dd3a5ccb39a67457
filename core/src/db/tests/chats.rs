//! Chat sessions, their history, and conversations.

use serde_json::json;

use super::fresh::fresh;
use crate::db::{DbError, NewChatSession, NewConversation, NewHistory, NewMessage, Page};

fn session(id: &str, creator: &str) -> NewChatSession {
    NewChatSession {
        session_id: Some(id.into()),
        platform_id: "webchat".into(),
        creator: creator.into(),
        display_name: None,
        is_group: false,
    }
}

fn shown(session: &str, text: &str) -> NewHistory {
    NewHistory {
        platform_id: "webchat".into(),
        user_id: session.into(),
        sender_id: Some("ada".into()),
        sender_name: None,
        content: json!({"type": "user", "message": [{"type": "plain", "text": text}]}),
        llm_checkpoint_id: None,
    }
}

fn conversation(umo: &str) -> NewConversation {
    NewConversation {
        platform_id: "webchat".into(),
        umo: umo.into(),
        title: None,
        persona_id: None,
    }
}

fn message(text: &str, tokens: u32) -> NewMessage {
    NewMessage { role: "user".into(), content: json!(text), tokens }
}

#[tokio::test]
async fn sessions_are_listed_by_creator_in_pages_the_latest_first() {
    let (_folder, database) = fresh().await;
    let sessions = database.chat_sessions();
    for n in 0..5 {
        sessions.create(session(&format!("s{n}"), "ada")).await.unwrap();
    }
    sessions.create(session("other", "bob")).await.unwrap();
    let page = |number| Page { number, size: 2 };
    let third = sessions.list("ada", Some("webchat"), page(3)).await.unwrap();
    assert_eq!((third.sessions.len(), third.total), (1, 5));
    assert_eq!(third.sessions[0].session_id, "s0");
    assert_eq!(sessions.list("ada", Some("tui"), page(1)).await.unwrap().total, 0);
    assert_eq!(sessions.list("ada", None, page(1)).await.unwrap().sessions.len(), 2);
    assert!(sessions.rename("s0", "first").await.unwrap());
    assert!(sessions.touch("s0").await.unwrap());
    assert!(!sessions.rename("nothing", "first").await.unwrap());
    let renamed = sessions.by_id("s0").await.unwrap().unwrap();
    assert_eq!(renamed.display_name.as_deref(), Some("first"));
    assert!(matches!(sessions.create(session("s0", "bob")).await, Err(DbError::Taken(_))));
    let ids = ["s0".to_owned(), "nothing".to_owned()];
    assert_eq!(sessions.by_ids(&ids).await.unwrap(), [renamed]);
}

#[tokio::test]
async fn deleting_a_session_takes_its_history_and_nobody_elses() {
    let (_folder, database) = fresh().await;
    for id in ["a", "b"] {
        database.chat_sessions().create(session(id, "ada")).await.unwrap();
        for n in 0..4 {
            database.history().append(shown(id, &format!("{id}{n}"))).await.unwrap();
        }
    }
    let ids = ["a".to_owned(), "nothing".to_owned()];
    assert_eq!(database.chat_sessions().delete(&ids).await.unwrap(), 1);
    assert!(database.history().list("webchat", "a", 10).await.unwrap().is_empty());
    let kept = database.history().list("webchat", "b", 3).await.unwrap();
    let texts: Vec<_> = kept.iter().map(|row| &row.content["message"][0]["text"]).collect();
    assert_eq!(texts, ["b1", "b2", "b3"]);
}

#[tokio::test]
async fn only_attachments_that_no_other_chat_mentions_are_a_chats_own() {
    let (_folder, database) = fresh().await;
    let with = |session: &str, id: &str| NewHistory {
        content: json!({"message": [{"type": "image", "attachment_id": id}]}),
        ..shown(session, "")
    };
    for (session, id) in [("a", "mine"), ("a", "shared"), ("b", "shared")] {
        database.history().append(with(session, id)).await.unwrap();
    }
    assert_eq!(database.history().own_attachments("webchat", "a").await.unwrap(), ["mine"]);
}

#[tokio::test]
async fn a_session_talks_in_the_conversation_that_was_made_or_selected_last() {
    let (_folder, database) = fresh().await;
    let conversations = database.conversations();
    assert_eq!(conversations.selected("w:f:1").await.unwrap(), None);
    let first = conversations.selected_or_create(conversation("w:f:1")).await.unwrap();
    let again = conversations.selected_or_create(conversation("w:f:1")).await.unwrap();
    assert_eq!(again, first);
    let second = conversations.create(conversation("w:f:1")).await.unwrap();
    assert_eq!(conversations.selected("w:f:1").await.unwrap(), Some(second.clone()));
    assert!(conversations.select("w:f:1", &first.conversation_id).await.unwrap());
    assert_eq!(conversations.selected("w:f:1").await.unwrap(), Some(first.clone()));
    assert!(!conversations.select("w:f:2", &first.conversation_id).await.unwrap());
    assert_eq!(conversations.list("w:f:1").await.unwrap().len(), 2);
    assert_eq!(conversations.delete_of("w:f:1").await.unwrap(), 2);
    assert_eq!(conversations.selected("w:f:1").await.unwrap(), None);
}

#[tokio::test]
async fn two_turns_at_once_begin_one_conversation() {
    let (_folder, database) = fresh().await;
    let conversations = database.conversations();
    let (a, b) = tokio::join!(
        conversations.selected_or_create(conversation("w:f:1")),
        conversations.selected_or_create(conversation("w:f:1")),
    );
    assert_eq!(a.unwrap(), b.unwrap());
}

#[tokio::test]
async fn the_window_is_what_fits_from_the_end_and_never_empty() {
    let (_folder, database) = fresh().await;
    let conversations = database.conversations();
    let made = conversations.create(conversation("w:f:1")).await.unwrap();
    let id = &made.conversation_id;
    assert!(conversations.window(id, 10).await.unwrap().is_empty());
    let messages = (0..200).map(|n| message(&n.to_string(), 3)).collect();
    conversations.append_messages(id, messages).await.unwrap();
    let texts = |window: Vec<crate::db::Message>| -> Vec<String> {
        window.iter().map(|message| message.content.as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(texts(conversations.window(id, 10).await.unwrap()), ["197", "198", "199"]);
    assert_eq!(texts(conversations.window(id, 1).await.unwrap()), ["199"]);
    assert_eq!(conversations.window(id, u64::MAX).await.unwrap().len(), 200);
    assert_eq!(conversations.by_id(id).await.unwrap().unwrap().token_usage, 600);
    let refused = conversations.append_messages("nothing", vec![message("x", 1)]).await;
    assert!(matches!(refused, Err(DbError::Missing { what: "conversation" })));
}
