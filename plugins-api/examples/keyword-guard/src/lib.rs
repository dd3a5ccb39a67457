//! Stops messages that hold certain words, and counts them.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use firstlight_plugins_api::{
    Call, Event, Filter, Handler, Host, Manifest, Plugin, PluginError, Reply, SettingsTaken,
    Version, WebRequest, WebResponse, WebRoute,
};
use serde::Deserialize;
use serde_json::{Value, json};

/// The filter that asks this plugin.
const HOLDS: &str = "holds_a_keyword";
/// What the keys of the counts begin with.
const COUNT: &str = "count:";

/// The plugin.
pub struct KeywordGuard {
    host: Host,
    settings: RwLock<Settings>,
}

/// What the operator can set: the form is settings.json.
#[derive(Deserialize)]
#[serde(default)]
struct Settings {
    keywords: Vec<String>,
    action: Action,
    answer: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Action {
    Answer,
    Silence,
    Count,
}

impl Default for Settings {
    fn default() -> Self {
        let answer = "This word is not welcome here.".to_owned();
        Self { keywords: Vec::new(), action: Action::Answer, answer }
    }
}

impl Settings {
    /// The words as they are compared.
    fn ready(mut self) -> Self {
        self.keywords.iter_mut().for_each(|word| *word = word.trim().to_lowercase());
        self.keywords.retain(|word| !word.is_empty());
        self
    }

    fn found(&self, text: &str) -> Option<&str> {
        let text = text.to_lowercase();
        self.keywords.iter().map(String::as_str).find(|word| text.contains(*word))
    }
}

impl Plugin for KeywordGuard {
    fn manifest() -> Manifest {
        Manifest::new("keyword-guard", Version::new(1, 0, 0))
    }

    async fn load(host: Host) -> Result<Self, PluginError> {
        let settings: Settings = host.settings()?;
        Ok(Self { host, settings: RwLock::new(settings.ready()) })
    }

    async fn settings_changed(&self, settings: Value) -> Result<SettingsTaken, PluginError> {
        let settings: Settings = serde_json::from_value(settings)
            .map_err(|error| PluginError::Settings(error.to_string()))?;
        *self.settings.write().unwrap_or_else(PoisonError::into_inner) = settings.ready();
        Ok(SettingsTaken::Taken)
    }

    fn handlers(&self) -> Vec<Handler> {
        let guard = Handler::message("guard", Filter::Custom(HOLDS.to_owned()));
        // Before everybody else; and a message that is stopped wakes nobody.
        vec![guard.about("Stops messages that hold a keyword.").priority(1000).wakes(false)]
    }

    fn predicate(&self, name: &str, event: &Event) -> bool {
        name == HOLDS && self.settings().found(&event.text).is_some()
    }

    async fn handle(&self, call: Call) -> Result<Reply, PluginError> {
        let (word, action, answer) = {
            let settings = self.settings();
            let Some(word) = settings.found(&call.event.text) else { return Ok(Reply::nothing()) };
            (word.to_owned(), settings.action, settings.answer.clone())
        };
        let key = format!("{COUNT}{word}");
        let before = self.host.load(&key).await?.and_then(|count| count.as_u64()).unwrap_or(0);
        self.host.store(&key, json!(before + 1)).await?;
        Ok(match action {
            Action::Answer => Reply::text(answer).stop(),
            Action::Silence => Reply::nothing().stop(),
            Action::Count => Reply::nothing(),
        })
    }

    fn routes(&self) -> Vec<WebRoute> {
        vec![WebRoute::get("/counts", "How often each word was found.")]
    }

    async fn web(&self, _request: WebRequest) -> Result<WebResponse, PluginError> {
        let mut counts = BTreeMap::new();
        for key in self.host.keys(COUNT).await? {
            let count = self.host.load(&key).await?.unwrap_or(json!(0));
            counts.insert(key.trim_start_matches(COUNT).to_owned(), count);
        }
        Ok(WebResponse::json(&json!({ "counts": counts })))
    }
}

impl KeywordGuard {
    fn settings(&self) -> std::sync::RwLockReadGuard<'_, Settings> {
        self.settings.read().unwrap_or_else(PoisonError::into_inner)
    }
}

firstlight_plugins_api::component!(KeywordGuard);

#[cfg(test)]
mod tests {
    use firstlight_plugins_api::testing::{FakeHost, Stage, block_on};

    use super::*;

    fn guarded(settings: Value) -> Stage<KeywordGuard> {
        block_on(Stage::load_with(FakeHost::with_settings(settings))).unwrap()
    }

    #[test]
    fn a_message_with_a_word_is_answered_and_stopped_and_others_are_not_seen() {
        let stage = guarded(json!({ "keywords": [" Spam ", ""] }));
        block_on(async {
            let said = stage.say("buy SPAM now").await;
            assert_eq!(said.texts(), ["This word is not welcome here."]);
            assert!(stage.say("good morning").await.handlers.is_empty());
        });
    }

    #[test]
    fn the_action_and_the_answer_are_settings() {
        let silent = guarded(json!({ "keywords": ["spam"], "action": "silence" }));
        let counting = guarded(json!({ "keywords": ["spam"], "action": "count" }));
        block_on(async {
            for stage in [&silent, &counting] {
                let said = stage.say("spam").await;
                assert!(said.texts().is_empty());
                assert_eq!(said.handlers, ["guard"]);
                assert_eq!(stage.host().values()["count:spam"], 1);
            }
        });
    }

    #[test]
    fn the_page_reads_how_often_each_word_was_found() {
        let stage = guarded(json!({ "keywords": ["spam", "scam"] }));
        block_on(async {
            for text in ["spam", "more spam", "a scam"] {
                stage.say(text).await;
            }
            let answer = stage.get("/counts").await.unwrap();
            let body: Value = serde_json::from_slice(&answer.body).unwrap();
            assert_eq!(body, json!({ "counts": { "spam": 2, "scam": 1 } }));
        });
    }

    #[test]
    fn new_words_count_at_once() {
        let stage = guarded(json!({}));
        block_on(async {
            assert!(stage.say("spam").await.handlers.is_empty());
            let taken = stage.change_settings(json!({ "keywords": ["spam"] })).await.unwrap();
            assert_eq!(taken, SettingsTaken::Taken);
            assert_eq!(stage.say("spam").await.handlers, ["guard"]);
        });
    }
}
