//! Session rules and groups as an operator sees them.

use serde_json::{Map, Value, json};
use sqlx::AssertSqlSafe;

use super::fresh::fresh;
use crate::db::session_rule_lists::{KNOWN, RULED, RULES_OF};
use crate::db::{
    Database, DbError, NewConversation, Page, RuleKey, RuleTargets, SessionFilter,
    SessionGroupChange,
};
use crate::model::MessageKind;

const FIRST: Page = Page { number: 1, size: 50 };

async fn talk(database: &Database, umo: &str) {
    let new = NewConversation {
        platform_id: umo.split(':').next().unwrap().into(),
        umo: umo.into(),
        title: None,
        persona_id: None,
    };
    database.conversations().create(new).await.unwrap();
}

async fn rule(database: &Database, umo: &str, key: RuleKey, value: Value) {
    let one = RuleTargets::Sessions(vec![umo.to_owned()]);
    assert_eq!(database.session_rules().set(one, key, Some(value)).await.unwrap(), 1);
}

async fn plan(database: &Database, sql: &str) -> String {
    let sql = format!("EXPLAIN QUERY PLAN {sql}");
    let steps: Vec<(i64, i64, i64, String)> =
        sqlx::query_as(AssertSqlSafe(sql)).fetch_all(database.readers()).await.unwrap();
    steps.into_iter().map(|step| step.3).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn sessions_with_rules_are_listed_with_them_and_found_by_the_name_they_were_given() {
    let (_folder, database) = fresh().await;
    let (a, b) = ("qq:GroupMessage:1", "qq:FriendMessage:2");
    talk(&database, "qq:FriendMessage:3").await;
    rule(&database, a, RuleKey::Chat, json!("gpt")).await;
    rule(&database, a, RuleKey::Service, json!({"custom_name": "The Team"})).await;
    rule(&database, b, RuleKey::Knowledge, json!({"kb_ids": []})).await;
    let rules = database.session_rules();
    let page = rules.list(None, FIRST).await.unwrap();
    let umos: Vec<_> = page.sessions.iter().map(|(umo, _)| umo.as_str()).collect();
    assert_eq!((umos, page.total), (vec![b, a], 2), "a chosen conversation is no rule");
    assert_eq!(page.sessions[1].1["provider_perf_chat_completion"], "gpt");
    let found = rules.list(Some("the team"), FIRST).await.unwrap();
    assert_eq!((found.sessions[0].0.as_str(), found.total), (a, 1));
    assert_eq!(found.sessions[0].1.len(), 2, "all rules of what was found");
    assert_eq!(rules.list(None, Page { number: 2, size: 1 }).await.unwrap().sessions[0].0, a);
    let without = rules.delete(vec![a.into(), "qq:FriendMessage:3".into()]).await.unwrap();
    assert_eq!(without, ["qq:FriendMessage:3"]);
    assert_eq!(rules.list(None, FIRST).await.unwrap().total, 1);
    assert!(database.conversations().selected("qq:FriendMessage:3").await.unwrap().is_some());
}

#[tokio::test]
async fn known_sessions_are_those_that_talked_or_have_rules() {
    let (_folder, database) = fresh().await;
    for umo in ["qq:GroupMessage:1", "qq:GroupMessage:1", "tg:FriendMessage:2"] {
        talk(&database, umo).await;
    }
    rule(&database, "tg:GroupMessage:9", RuleKey::Service, json!({"custom_name": "Nine"})).await;
    let known = async |filter: SessionFilter| -> Vec<String> {
        let page = database.session_rules().known(&filter, FIRST).await.unwrap();
        assert_eq!(usize::try_from(page.total).unwrap(), page.sessions.len());
        page.sessions.into_iter().map(|(umo, _)| umo).collect()
    };
    let all = ["qq:GroupMessage:1", "tg:FriendMessage:2", "tg:GroupMessage:9"];
    assert_eq!(known(SessionFilter::default()).await, all);
    let kind = Some(MessageKind::Group);
    let groups = SessionFilter { kind, ..SessionFilter::default() };
    assert_eq!(known(groups.clone()).await, [all[0], all[2]]);
    let on = SessionFilter { platform_id: Some("tg".into()), ..groups };
    assert_eq!(known(on).await, [all[2]]);
    let named = SessionFilter { search: Some("nine".into()), ..SessionFilter::default() };
    assert_eq!(known(named).await, [all[2]]);
}

#[tokio::test]
async fn switches_are_laid_over_what_is_set_and_count_from_the_next_turn_on() {
    let (_folder, database) = fresh().await;
    for n in 0..1_200 {
        talk(&database, &format!("qq:GroupMessage:{n}")).await;
    }
    talk(&database, "qq:FriendMessage:1").await;
    let named = json!({"custom_name": "Zero", "session_enabled": false, "later": 1});
    rule(&database, "qq:GroupMessage:0", RuleKey::Service, named).await;
    let rules = database.session_rules();
    assert_eq!(rules.of("qq:GroupMessage:0").await.unwrap().service.llm_enabled, None);
    let switches = [("llm_enabled", false), ("session_enabled", true)];
    let switches = Map::from_iter(switches.map(|(name, on)| (name.to_owned(), Value::from(on))));
    let groups = RuleTargets::KnownOfKind(MessageKind::Group);
    assert_eq!(rules.set_switches(groups, &switches).await.unwrap(), 1_200);
    let service = rules.of("qq:GroupMessage:0").await.unwrap().service.clone();
    assert_eq!((service.llm_enabled, service.session_enabled), (Some(false), Some(true)));
    assert_eq!((service.custom_name.as_deref(), &service.rest["later"]), (Some("Zero"), &json!(1)));
    assert_eq!(rules.of("qq:GroupMessage:1199").await.unwrap().service.llm_enabled, Some(false));
    assert_eq!(rules.of("qq:FriendMessage:1").await.unwrap().service.llm_enabled, None);
    let everyone = rules.set(RuleTargets::Known, RuleKey::Chat, Some(json!("gpt"))).await.unwrap();
    assert_eq!(everyone, 1_201);
    let chat = async || rules.of("qq:FriendMessage:1").await.unwrap().chat_provider.clone();
    assert_eq!(chat().await.as_deref(), Some("gpt"));
    rules.set(RuleTargets::Known, RuleKey::Chat, None).await.unwrap();
    assert_eq!(chat().await, None);
}

#[tokio::test]
async fn lists_of_sessions_use_the_indexes_made_for_them() {
    let (_folder, database) = fresh().await;
    for (sql, index) in [
        (RULED, "preferences_rules"),
        (RULES_OF, "PRIMARY KEY (scope=? AND scope_id=? AND key=?)"),
        (KNOWN, "preferences_rules"),
        (KNOWN, "COVERING INDEX conversations_by_umo"),
    ] {
        let plan = plan(&database, sql).await;
        assert!(plan.contains(index), "{sql}\n{plan}");
    }
}

#[tokio::test]
async fn every_rule_is_a_rule_to_the_index() {
    let (_folder, database) = fresh().await;
    for (n, key) in RuleKey::ALL.into_iter().enumerate() {
        assert_eq!(RuleKey::from_name(key.as_str()), Some(key));
        rule(&database, &format!("qq:FriendMessage:{n}"), key, json!("x")).await;
    }
    assert_eq!(database.session_rules().list(None, FIRST).await.unwrap().total, 6);
}

#[tokio::test]
async fn a_group_keeps_each_session_once() {
    let (_folder, database) = fresh().await;
    let groups = database.session_groups();
    let texts = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
    let made = groups.create("Team".into(), texts(&["a", "b", "a"])).await.unwrap();
    assert_eq!(made.umos, ["a", "b"]);
    let change = SessionGroupChange {
        add: texts(&["c", "b"]),
        remove: texts(&["a"]),
        ..SessionGroupChange::default()
    };
    let changed = groups.change(&made.id, change).await.unwrap();
    assert_eq!((changed.name.as_str(), &changed.umos), ("Team", &texts(&["b", "c"])));
    let other = groups.create("Other".into(), Vec::new()).await.unwrap();
    assert_eq!(groups.list().await.unwrap().len(), 2);
    groups.delete(&made.id).await.unwrap();
    assert_eq!(groups.list().await.unwrap(), [other]);
    let gone = groups.delete(&made.id).await;
    assert!(matches!(gone, Err(DbError::Missing { what: "session group" })));
    let gone = groups.change(&made.id, SessionGroupChange::default()).await;
    assert!(matches!(gone, Err(DbError::Missing { what: "session group" })));
}
