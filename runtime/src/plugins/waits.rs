//! Replies that plugins wait for, looked up for every message, so kept in memory as well.
//!
//! The rows in the database are the truth. The memory holds the same waits by session, and a wait
//! is always named by its number, so that the end of one never ends another (reference B22).

use std::collections::HashMap;

use firstlight_core::db::{Database, DbError, NewPluginWait, PluginWait};
use parking_lot::Mutex;

/// The waits of all plugins.
pub(super) struct Waits {
    database: Database,
    by_session: Mutex<HashMap<String, Vec<PluginWait>>>,
}

impl Waits {
    /// Reads what was waited for when the last process ended.
    pub(super) async fn open(database: Database) -> Result<Self, DbError> {
        let mut by_session: HashMap<String, Vec<PluginWait>> = HashMap::new();
        for wait in database.plugin_waits().kept().await? {
            by_session.entry(wait.session.clone()).or_default().push(wait);
        }
        Ok(Self { database, by_session: Mutex::new(by_session) })
    }

    /// Keeps a wait. `None` when the plugin has too many.
    pub(super) async fn add(&self, new: NewPluginWait) -> Result<Option<i64>, DbError> {
        let Some((wait, replaced)) = self.database.plugin_waits().add(new).await? else {
            return Ok(None);
        };
        let number = wait.id;
        let mut by_session = self.by_session.lock();
        let waits = by_session.entry(wait.session.clone()).or_default();
        waits.retain(|kept| !replaced.contains(&kept.id));
        waits.push(wait);
        Ok(Some(number))
    }

    /// The wait that a message answers: the one that it answered already, when its turn is begun
    /// again, else the latest that is open for its sender.
    pub(super) fn find(&self, message: &Message<'_>) -> Option<PluginWait> {
        let by_session = self.by_session.lock();
        if by_session.is_empty() {
            return None;
        }
        let waits = by_session.get(&message.session.to_string())?;
        let again = waits.iter().find(|wait| wait.answered_by.as_deref() == Some(message.id));
        let open = || {
            waits.iter().rev().find(|wait| {
                wait.answered_by.is_none()
                    && wait.expires_at > message.now
                    && wait.sender.as_deref().is_none_or(|sender| sender == message.sender)
                    && wait.asked_by.as_deref() != Some(message.id)
            })
        };
        again.or_else(open).cloned()
    }

    /// Gives a wait to a message. `None` when it is over or another message has it.
    pub(super) async fn answer(
        &self,
        number: i64,
        message: &str,
    ) -> Result<Option<PluginWait>, DbError> {
        if !self.database.plugin_waits().answer(number, message).await? {
            return Ok(None);
        }
        let mut by_session = self.by_session.lock();
        let mut all = by_session.values_mut().flatten();
        let wait = all.find(|wait| wait.id == number);
        Ok(wait.map(|wait| {
            wait.answered_by = Some(message.to_owned());
            wait.clone()
        }))
    }

    /// Ends a wait that nobody answered. False when it is over already.
    pub(super) async fn end(&self, plugin: &str, number: i64) -> Result<bool, DbError> {
        let ended = self.database.plugin_waits().end(plugin, number).await?;
        if ended {
            self.drop_all(&[number]);
        }
        Ok(ended)
    }

    /// Forgets waits that were answered before that time: their turns are long over.
    pub(super) async fn purge(&self, before: i64) -> Result<(), DbError> {
        let gone = self.database.plugin_waits().purge(before).await?;
        self.drop_all(&gone);
        Ok(())
    }

    /// Forgets the waits of a plugin whose data were deleted.
    pub(super) fn forget_plugin(&self, plugin: &str) {
        self.retain(|wait| wait.plugin != plugin);
    }

    fn drop_all(&self, numbers: &[i64]) {
        if !numbers.is_empty() {
            self.retain(|wait| !numbers.contains(&wait.id));
        }
    }

    fn retain(&self, keep: impl Fn(&PluginWait) -> bool) {
        self.by_session.lock().retain(|_, waits| {
            waits.retain(|wait| keep(wait));
            !waits.is_empty()
        });
    }
}

/// What decides whether a message answers a wait.
pub(super) struct Message<'a> {
    pub(super) session: &'a firstlight_core::model::SessionKey,
    pub(super) sender: &'a str,
    pub(super) id: &'a str,
    pub(super) now: i64,
}

#[cfg(test)]
mod tests {
    use firstlight_core::model::SessionKey;
    use serde_json::json;

    use super::*;

    const SESSION: &str = "qq:GroupMessage:1";

    fn wait(name: &str, sender: Option<&str>) -> NewPluginWait {
        NewPluginWait {
            plugin: "p".into(),
            name: name.into(),
            session: SESSION.into(),
            reply_to: SESSION.into(),
            sender: sender.map(str::to_owned),
            asked_by: Some("m0".into()),
            payload: json!(1),
            expires_at: 1000,
        }
    }

    fn found(waits: &Waits, sender: &str, id: &str, now: i64) -> Option<String> {
        let session: SessionKey = SESSION.parse().unwrap();
        waits.find(&Message { session: &session, sender, id, now }).map(|wait| wait.name)
    }

    async fn open(folder: &tempfile::TempDir) -> Waits {
        let path = folder.path().join("firstlight.db");
        Waits::open(Database::open(&path).await.unwrap()).await.unwrap()
    }

    #[tokio::test]
    async fn the_latest_wait_for_that_person_is_answered_and_not_by_what_it_was_begun_for() {
        let folder = tempfile::tempdir().unwrap();
        let waits = open(&folder).await;
        waits.add(wait("anybody", None)).await.unwrap();
        waits.add(wait("ann", Some("ann"))).await.unwrap();
        assert_eq!(found(&waits, "ann", "m1", 5).as_deref(), Some("ann"));
        assert_eq!(found(&waits, "bob", "m1", 5).as_deref(), Some("anybody"));
        assert_eq!(found(&waits, "bob", "m0", 5), None);
        assert_eq!(found(&waits, "bob", "m1", 1000), None);
    }

    #[tokio::test]
    async fn b22_a_second_waiter_does_not_remove_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let waits = open(&folder).await;
        let first = waits.add(wait("a", Some("ann"))).await.unwrap().unwrap();
        let second = waits.add(wait("b", Some("ann"))).await.unwrap().unwrap();
        assert!(waits.end("p", second).await.unwrap());
        assert!(!waits.end("p", second).await.unwrap());
        assert_eq!(found(&waits, "ann", "m1", 5).as_deref(), Some("a"));
        // One of the same name takes its place, and the end of the old one leaves it alone.
        waits.add(wait("a", Some("ann"))).await.unwrap().unwrap();
        assert!(!waits.end("p", first).await.unwrap());
        assert_eq!(found(&waits, "ann", "m1", 5).as_deref(), Some("a"));
    }

    #[tokio::test]
    async fn a_wait_outlives_a_restart_and_stays_with_the_message_that_answered_it() {
        let folder = tempfile::tempdir().unwrap();
        let waits = open(&folder).await;
        let number = waits.add(wait("a", Some("ann"))).await.unwrap().unwrap();
        drop(waits);
        let waits = open(&folder).await;
        assert_eq!(found(&waits, "ann", "m1", 5).as_deref(), Some("a"));
        assert!(waits.answer(number, "m1").await.unwrap().is_some());
        // What the plugin waits for next is not answered by the same message.
        waits.add(NewPluginWait { asked_by: None, ..wait("next", Some("ann")) }).await.unwrap();
        drop(waits);
        let waits = open(&folder).await;
        assert_eq!(found(&waits, "ann", "m1", 5).as_deref(), Some("a"));
        assert!(waits.answer(number, "m1").await.unwrap().is_some());
        assert!(waits.answer(number, "m2").await.unwrap().is_none());
        assert_eq!(found(&waits, "ann", "m2", 5).as_deref(), Some("next"));
        waits.purge(i64::MAX).await.unwrap();
        assert_eq!(found(&waits, "ann", "m1", 5).as_deref(), Some("next"));
    }
}
