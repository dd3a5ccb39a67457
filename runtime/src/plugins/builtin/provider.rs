//! `/provider`: which model answers in a session.

use firstlight_core::messages::Message;
use firstlight_plugins_api::{
    Argument, Call, Handler, Host, Manifest, Permission, Plugin, PluginError, ProviderInfo, Reply,
};

use super::registrations::manifest;
use super::saying::say;

pub(super) struct Provider {
    host: Host,
}

impl Plugin for Provider {
    fn manifest() -> Manifest {
        manifest("provider", "Provider", "Shows and chooses the model that answers in a session.")
    }

    async fn load(host: Host) -> Result<Self, PluginError> {
        Ok(Self { host })
    }

    fn handlers(&self) -> Vec<Handler> {
        let which = Argument::text("which").about("The number or the id of a model.").optional();
        let command = Handler::command("provider").about("Lists the models, or chooses one.");
        vec![command.permission(Permission::Admin).argument(which)]
    }

    async fn handle(&self, call: Call) -> Result<Reply, PluginError> {
        let event = &call.event;
        let providers = self.host.providers(event).await?;
        let Some(which) = call.arguments.text("which") else {
            let lines = providers.iter().enumerate().map(|(index, provider)| line(index, provider));
            let providers = lines.collect::<Vec<_>>().join("\n");
            return Ok(say(event, &Message::ProviderList { providers }));
        };
        let number = which.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        let by_number = number.and_then(|index| providers.get(index));
        let chosen = providers.iter().find(|provider| provider.id == which).or(by_number);
        let Some(chosen) = chosen.filter(|provider| provider.usable) else {
            let provider = which.chars().take(64).collect();
            return Ok(say(event, &Message::ProviderUnknown { provider }));
        };
        self.host.choose_provider(&event.session, &chosen.id).await?;
        Ok(say(event, &Message::ProviderChosen { provider: chosen.id.clone() }))
    }
}

fn line(index: usize, provider: &ProviderInfo) -> String {
    let mark = match (provider.current, provider.usable) {
        (true, _) => " ←",
        (false, true) => "",
        (false, false) => " ✗",
    };
    format!("{}. {} ({}){mark}", index + 1, provider.id, provider.model)
}

#[cfg(test)]
mod tests {
    use firstlight_plugins_api::Role;
    use firstlight_plugins_api::testing::{FakeHost, Stage};

    use super::*;

    #[tokio::test]
    async fn an_admin_chooses_by_number_or_by_id() {
        let host = FakeHost::default().provider("one", "m1").provider("two", "m2");
        let stage = Stage::<Provider>::load_with(host).await.unwrap();
        assert!(stage.say("/provider").await.refused.is_some());
        let say = async |text: &str| {
            let mut event = Stage::<Provider>::event(text);
            event.role = Role::Admin;
            stage.receive(event).await.texts().join("")
        };
        assert!(say("/provider").await.contains("1. one (m1) ←\n2. two (m2)"));
        assert_eq!(say("/provider 2").await, "This session now asks \"two\".");
        assert!(say("/provider").await.contains("1. one (m1)\n2. two (m2) ←"));
        assert_eq!(say("/provider one").await, "This session now asks \"one\".");
        for wrong in ["0", "3", "three", "-1"] {
            let answer = say(&format!("/provider {wrong}")).await;
            assert_eq!(answer, format!("There is no usable model \"{wrong}\"."));
        }
    }
}
