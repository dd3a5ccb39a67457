//! `/help`, `/sid`, `/name`: what there is, where one is, and what that is called.

use firstlight_core::messages::Message;
use firstlight_plugins_api::{
    Argument, Call, CommandInfo, Event, Handler, Host, Manifest, MessageKind, Permission, Plugin,
    PluginError, Reply,
};

use super::registrations::manifest;
use super::saying::{say, sentence};

pub(super) struct Information {
    host: Host,
}

impl Plugin for Information {
    fn manifest() -> Manifest {
        manifest("information", "Information", "Lists commands, and shows and names sessions.")
    }

    async fn load(host: Host) -> Result<Self, PluginError> {
        Ok(Self { host })
    }

    fn handlers(&self) -> Vec<Handler> {
        let help = Handler::command("help").about("Lists the commands, or explains one.");
        let command = Argument::rest("command").about("The command to explain.").optional();
        let name = Handler::command("name").about("Shows or sets what this session is called.");
        let clear = Argument::bool("clear").about("Takes the name away.").named().optional();
        vec![
            help.argument(command),
            Handler::command("sid").about("Shows the ids of this session."),
            name.permission(Permission::Admin)
                .argument(clear)
                .argument(Argument::rest("name").about("The new name.").optional()),
        ]
    }

    async fn handle(&self, call: Call) -> Result<Reply, PluginError> {
        let event = &call.event;
        match call.handler.as_str() {
            "help" => self.help(event, call.arguments.text("command")).await,
            "name" => {
                let clear = call.arguments.bool("clear").unwrap_or(false);
                self.name(event, clear, call.arguments.text("name")).await
            }
            _ => Ok(Reply::text(ids(event))),
        }
    }
}

impl Information {
    async fn help(&self, event: &Event, wanted: Option<&str>) -> Result<Reply, PluginError> {
        let commands = self.host.commands(event).await?;
        let Some(wanted) = wanted else {
            let at_the_top = commands.iter().filter(|command| !command.path.contains(' '));
            let lines = at_the_top.map(|command| format!("{}  {}", command.usage, command.about));
            let commands = lines.map(|line| line.trim_end().to_owned()).collect::<Vec<_>>();
            let version = env!("CARGO_PKG_VERSION").to_owned();
            let commands = commands.join("\n");
            return Ok(say(event, &Message::HelpList { version, commands }));
        };
        let wanted = wanted.trim_start_matches('/').to_lowercase();
        let below = format!("{wanted} ");
        let found = commands.iter().filter(|command| {
            let path = command.path.to_lowercase();
            path == wanted || path.starts_with(&below)
        });
        let found: Vec<String> = found.map(explained).collect();
        if found.is_empty() {
            return Ok(say(event, &Message::HelpUnknown { command: wanted }));
        }
        Ok(Reply::text(found.join("\n")))
    }

    async fn name(
        &self,
        event: &Event,
        clear: bool,
        name: Option<&str>,
    ) -> Result<Reply, PluginError> {
        let answer = match name {
            _ if clear => {
                self.host.name_session(&event.session, None).await?;
                Message::SessionUnnamed
            }
            Some(name) => {
                self.host.name_session(&event.session, Some(name)).await?;
                Message::SessionNamed { name: name.to_owned() }
            }
            None => match self.host.session_name(&event.session).await? {
                Some(name) => Message::SessionName { name },
                None => Message::SessionUnnamed,
            },
        };
        Ok(say(event, &answer))
    }
}

fn explained(command: &CommandInfo) -> String {
    let mut lines = vec![command.usage.clone(), format!("  {}", command.about)];
    let described = command.arguments.iter().filter(|(_, about)| !about.is_empty());
    lines.extend(described.map(|(name, about)| format!("  {name}: {about}")));
    lines.join("\n")
}

fn ids(event: &Event) -> String {
    let kind = match event.kind {
        MessageKind::Group => "group",
        MessageKind::Private => "private",
        MessageKind::Other => "other",
    };
    let (session, user) = (event.session.clone(), event.sender.id.clone());
    let place = Message::SessionPlace { platform: event.platform.clone(), kind: kind.to_owned() };
    let group = event.group.as_ref().map(|group| Message::SessionGroup { group: group.id.clone() });
    let all = [Message::SessionIds { session, user }, place].into_iter().chain(group);
    all.map(|message| sentence(event, &message)).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use firstlight_plugins_api::Role;
    use firstlight_plugins_api::testing::Stage;

    use super::*;

    #[tokio::test]
    async fn help_lists_the_commands_and_explains_one() {
        let stage = Stage::<Information>::load().await.unwrap();
        let all = stage.say("/help").await.texts().join("");
        assert!(all.starts_with("Firstlight "), "{all}");
        assert!(all.contains("/help [command...]  Lists the commands, or explains one."), "{all}");
        let one = stage.say("/help /name").await.texts().join("");
        assert!(one.contains("/name [--clear] [name...]") && one.contains("name: The new name."));
        let none = stage.say("/help nothing").await.texts();
        assert_eq!(none, ["There is no command \"nothing\" that you may use here."]);
    }

    #[tokio::test]
    async fn an_admin_names_a_session_and_anybody_sees_its_ids() {
        let stage = Stage::<Information>::load().await.unwrap();
        assert!(stage.say("/name lounge").await.refused.is_some());
        let admin = |text: &str| {
            let mut event = Stage::<Information>::event(text);
            event.role = Role::Admin;
            event
        };
        let named = stage.receive(admin("/name the  lounge")).await.texts();
        assert_eq!(named, ["This session is now called \"the  lounge\"."]);
        let shown = stage.receive(admin("/name")).await.texts();
        assert_eq!(shown, ["This session is called \"the  lounge\"."]);
        let cleared = stage.receive(admin("/name --clear")).await.texts();
        assert_eq!(cleared, ["This session has no name."]);
        let ids = stage.say("/sid").await.texts().join("");
        assert!(ids.contains("test:FriendMessage:ann") && ids.contains("private"), "{ids}");
    }
}
