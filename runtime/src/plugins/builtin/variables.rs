//! `/set` and `/unset`: variables of a session.

use firstlight_core::messages::Message;
use firstlight_plugins_api::{
    Argument, Call, Handler, Host, Manifest, Permission, Plugin, PluginError, Reply,
};

use super::registrations::manifest;
use super::saying::say;

pub(super) struct Variables {
    host: Host,
}

impl Plugin for Variables {
    fn manifest() -> Manifest {
        manifest(
            "session-variables",
            "Session variables",
            "Sets and forgets variables of a session.",
        )
    }

    async fn load(host: Host) -> Result<Self, PluginError> {
        Ok(Self { host })
    }

    fn handlers(&self) -> Vec<Handler> {
        let key = || Argument::text("key").about("The variable.");
        let set = Handler::command("set").about("Sets a variable of this session.");
        let unset = Handler::command("unset").about("Forgets a variable of this session.");
        vec![
            set.permission(Permission::Owner)
                .argument(key())
                .argument(Argument::rest("value").about("What it is from now on.")),
            unset.permission(Permission::Owner).argument(key()),
        ]
    }

    async fn handle(&self, call: Call) -> Result<Reply, PluginError> {
        let session = &call.event.session;
        let name = call.arguments.text("key").unwrap_or_default().to_owned();
        let value = call.arguments.text("value");
        let was_set = self.host.set_variable(session, &name, value).await?;
        let answer = match value {
            Some(_) => Message::VariableSet { name },
            None if was_set => Message::VariableUnset { name },
            None => Message::VariableUnknown { name },
        };
        Ok(say(&call.event, &answer))
    }
}

#[cfg(test)]
mod tests {
    use firstlight_plugins_api::HostCalls as _;
    use firstlight_plugins_api::testing::Stage;
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn a_variable_is_set_and_forgotten() {
        let stage = Stage::<Variables>::load().await.unwrap();
        let said = stage.say("/set \"my city\" New  York").await.texts();
        assert_eq!(said, ["The variable \"my city\" is set."]);
        let variables = stage.host().variables("test:FriendMessage:ann").await.unwrap();
        assert_eq!(json!(variables), json!({ "my city": "New  York" }));
        assert!(stage.say("/set city").await.refused.unwrap().contains("value is missing"));
        let said = stage.say("/unset \"my city\"").await.texts();
        assert_eq!(said, ["The variable \"my city\" is forgotten."]);
        let said = stage.say("/unset city").await.texts();
        assert_eq!(said, ["There is no variable \"city\"."]);
    }
}
