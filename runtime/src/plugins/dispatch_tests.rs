//! Who takes a message, with real plugins on a real database.

use std::sync::Arc;
use std::time::Duration;

use firstlight_core::bus::{Bus, BusSettings};
use firstlight_core::config::{ConfigStore, Profile};
use firstlight_core::db::{Database, SessionRule};
use firstlight_core::messages::Language;
use firstlight_core::model::{
    At, Component, MessageChain, MessageEvent, Role, Sender, SessionKey, UserKey,
};
use firstlight_plugins_api::{
    Answered, Argument, Call, Event, Failure, Filter, Handler, Hook, HookKind, Host, Manifest,
    Message, NewTimer, Outgoing, Permission, Plugin, PluginError, Reply, Timer, Unanswered,
    Version, Wait,
};
use serde_json::json;
use tempfile::TempDir;

use super::command_list::{CommandChange, CommandError};
use super::dispatch::{Activated, Match, Outcome, PluginScope};
use super::erased::Registration;
use super::filters::Filtered;
use super::registry::Plugins;
use super::{Compiler, HostFoundation, PluginSources, StatusBoard, built_in};

/// A plugin with a handler of every kind.
struct Everything {
    host: Host,
}

impl Plugin for Everything {
    fn manifest() -> Manifest {
        Manifest::new("everything", Version::new(1, 0, 0))
    }

    async fn load(host: Host) -> Result<Self, PluginError> {
        Ok(Self { host })
    }

    fn handlers(&self) -> Vec<Handler> {
        vec![
            Handler::command("roll").argument(Argument::int("sides").default(6)),
            Handler::command("ask"),
            Handler::command("panic"),
            Handler::command("fail").permission(Permission::Member),
            Handler::command("kick")
                .permission(Permission::Admin)
                .argument(Argument::mention("who")),
            Handler::message("log", Filter::Any).priority(-1),
            Handler::message("link", Filter::Regex("https?://".into())),
            Handler::message("shout", Filter::Custom("shout".into())),
        ]
    }

    fn predicate(&self, name: &str, event: &Event) -> bool {
        name == "shout" && event.text.len() > 3 && event.text == event.text.to_uppercase()
    }

    async fn handle(&self, call: Call) -> Result<Reply, PluginError> {
        match call.handler.as_str() {
            "roll" => Ok(Reply::text(format!("d{}", call.arguments.int("sides").unwrap_or(0)))),
            "ask" => {
                let wait = Wait::of(&call.event, "asked", Duration::from_mins(1));
                self.host.wait_for_reply(wait.payload(7)).await?;
                Ok(Reply::text("what?"))
            }
            "panic" => panic!("secret"),
            "fail" => Err(PluginError::Failed("out of dice".into())),
            "log" => Ok(Reply::nothing()),
            other => Ok(Reply::text(other)),
        }
    }

    async fn answered(&self, answered: Answered) -> Result<Reply, PluginError> {
        Ok(Reply::text(format!("{} {} {}", answered.name, answered.payload, answered.event.text)))
    }

    async fn unanswered(&self, unanswered: Unanswered) -> Result<Vec<Outgoing>, PluginError> {
        Ok(vec![Outgoing::new(unanswered.reply_to, "too late")])
    }

    async fn timer(&self, timer: Timer) -> Result<Vec<Outgoing>, PluginError> {
        if timer.payload == json!("fail") {
            return Err(PluginError::Failed("no".into()));
        }
        Ok(vec![Outgoing::new("webchat:FriendMessage:webchat!ann!s", timer.name)])
    }

    fn hooks(&self) -> Vec<Hook> {
        vec![
            Hook::new(HookKind::Decorating),
            Hook::new(HookKind::PluginError),
            Hook::new(HookKind::ModelRequest),
        ]
    }

    async fn plugin_error(&self, _: &Event, failure: &Failure) -> Result<Reply, PluginError> {
        self.host.store("failure", json!(failure.error)).await?;
        Ok(Reply::nothing())
    }

    async fn decorating(&self, _: &Event, message: &mut Message) -> Result<Reply, PluginError> {
        message.pieces.push(firstlight_plugins_api::Piece::text("!"));
        if message.plain_text().contains("bad") {
            return Err(PluginError::Failed("no".into()));
        }
        Ok(Reply::nothing())
    }
}

pub(super) struct World {
    folder: TempDir,
    pub(super) plugins: Plugins,
}

async fn open(folder: TempDir) -> World {
    open_with(folder, Vec::new()).await
}

async fn open_with(folder: TempDir, more: Vec<Registration>) -> World {
    let database = Database::open(&folder.path().join("firstlight.db")).await.unwrap();
    let host = HostFoundation {
        config: ConfigStore::open(database.clone()).await.unwrap(),
        bus: Bus::new(database.clone(), BusSettings::default()),
        status: StatusBoard::default(),
        folder: folder.path().to_owned(),
        compiler: Compiler::InProcess,
        database,
    };
    let mut registrations = built_in();
    registrations.push(Registration::of::<Everything>());
    registrations.extend(more);
    let sources = PluginSources::open(registrations, host).await.unwrap();
    let plugins = Plugins::new(sources.clone(), None);
    for registration in sources.active() {
        if let Ok(live) = plugins.load(&registration).await {
            plugins.insert(live);
        }
    }
    plugins.begin().await;
    let is_another = |name: &String| name != "everything";
    assert!(sources.failed().keys().all(is_another));
    World { folder, plugins }
}

pub(super) async fn world() -> World {
    open(tempfile::tempdir().unwrap()).await
}

/// A world with these plugins more; those that do not load are among the failed ones.
pub(super) async fn world_with(more: Vec<Registration>) -> World {
    open_with(tempfile::tempdir().unwrap(), more).await
}

impl World {
    pub(super) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// The process ends and another one starts.
    async fn restarted(self) -> Self {
        self.plugins.shared().database().close().await;
        open(self.folder).await
    }

    pub(super) fn matching(&self, event: &MessageEvent, scope: &PluginScope) -> Match {
        self.plugins.matching(event, scope, &Filtered::default())
    }

    /// Runs all handlers of a message.
    pub(super) async fn answers(&self, event: &MessageEvent) -> Vec<String> {
        let scope = scope();
        let mut answers = Vec::new();
        for activated in activated(self.matching(event, &scope)) {
            let outcome = self.plugins.handle(&activated, event, &scope).await;
            answers.extend(outcome.replies.iter().map(MessageChain::plain_text));
        }
        answers
    }
}

fn scope() -> PluginScope {
    PluginScope { profile: Arc::new(Profile::default()), rule: Arc::new(SessionRule::default()) }
}

fn scope_of(change: impl FnOnce(&mut Profile)) -> PluginScope {
    let mut profile = Profile::default();
    change(&mut profile);
    PluginScope { profile: Arc::new(profile), ..scope() }
}

fn activated(found: Match) -> Vec<Activated> {
    match found {
        Match::Handlers(handlers) => handlers,
        Match::Refused { text } => panic!("refused: {text:?}"),
    }
}

fn refused(found: Match) -> Option<String> {
    match found {
        Match::Refused { text } => text,
        Match::Handlers(handlers) => panic!("taken: {handlers:?}"),
    }
}

/// A message as the wake stage leaves it.
fn message(session: &str, written: &str) -> MessageEvent {
    let session: SessionKey = session.parse().unwrap();
    let sender = Sender { user_id: "ann".into(), nickname: None };
    let mut event = MessageEvent::new(session, "test", "m1", sender, MessageChain::text(written));
    event.self_id = "bot".into();
    let prefixed = written.strip_prefix('/');
    event.text = prefixed.unwrap_or(written).trim().to_owned();
    event.prefixed = prefixed.is_some();
    event.addressed = event.prefixed || event.is_private();
    event
}

pub(super) fn private(written: &str) -> MessageEvent {
    message("qq:FriendMessage:ann", written)
}

fn group(written: &str) -> MessageEvent {
    message("qq:GroupMessage:1", written)
}

/// The same message, mentioning the bot first.
fn mentioning(mut event: MessageEvent) -> MessageEvent {
    event.message.chain.insert(0, Component::At(At { qq: "bot".into(), ..At::default() }));
    event.addressed = true;
    event
}

fn names(found: Match) -> Vec<String> {
    activated(found).into_iter().map(|one| one.handler).collect()
}

#[tokio::test]
async fn b20_in_a_private_chat_a_bare_word_is_no_command() {
    let world = world().await;
    for word in ["new", "reset", "stop", "help", "set a b", "roll"] {
        assert_eq!(names(world.matching(&private(word), &scope())), ["log"], "{word}");
        let written = format!("/{word}");
        assert_eq!(names(world.matching(&private(&written), &scope())).len(), 2, "{word}");
    }
    // Where the profile has no prefix, commands keep one.
    let without = scope_of(|profile| profile.wake_prefix.clear());
    assert_eq!(names(world.matching(&private("roll"), &without)), ["log"]);
    let mut written = private("/roll 8");
    written.text = "/roll 8".into();
    written.prefixed = false;
    assert_eq!(names(world.matching(&written, &without)), ["roll", "log"]);
    // A mention addresses a command as well, but a sentence stays a sentence.
    assert_eq!(names(world.matching(&mentioning(group("roll 8")), &scope())), ["roll", "log"]);
    assert_eq!(names(world.matching(&mentioning(group("stop doing that")), &scope())), ["log"]);
    assert_eq!(names(world.matching(&group("roll"), &scope())), ["log"]);
}

#[tokio::test]
async fn p1_a_listener_to_everything_wakes_nobody() {
    let world = world().await;
    let wakes = |written: &str| {
        let all = activated(world.matching(&group(written), &scope()));
        all.into_iter().map(|one| (one.handler, one.wakes)).collect::<Vec<_>>()
    };
    assert_eq!(wakes("hello"), [("log".to_owned(), false)]);
    assert_eq!(wakes("see http://x"), [("link".to_owned(), true), ("log".to_owned(), false)]);
    assert_eq!(wakes("HELLO"), [("shout".to_owned(), true), ("log".to_owned(), false)]);
    assert!(activated(world.matching(&group("/stop"), &scope()))[0].interrupts);
}

#[tokio::test]
async fn a_command_that_does_not_fit_is_answered_with_its_usage() {
    let world = world().await;
    let text = refused(world.matching(&private("/roll many"), &scope())).unwrap();
    assert_eq!(text, "\"sides\" cannot be \"many\".\nUsage: /roll [sides:int=6]");
    let chinese = scope_of(|profile| profile.language = Language::Chinese);
    let text = refused(world.matching(&private("/roll many"), &chinese)).unwrap();
    assert_eq!(text, "参数“sides”不能是“many”。\n用法：/roll [sides:int=6]");
}

#[tokio::test]
async fn who_may_not_use_a_command_is_told_unless_the_profile_says_not_to() {
    let world = world().await;
    let denied = refused(world.matching(&group("/kick"), &scope()));
    assert_eq!(denied.as_deref(), Some("You may not use /kick."));
    let quiet = scope_of(|profile| profile.platform_settings.no_permission_reply = false);
    assert_eq!(refused(world.matching(&group("/kick"), &quiet)), None);
    let mut admin = group("/kick");
    admin.message.chain.push(Component::At(At { qq: "42".into(), ..At::default() }));
    admin.assign_role(&["qq:ann".parse::<UserKey>().unwrap()]);
    assert_eq!(admin.role, Role::Admin);
    let taken = activated(world.matching(&admin, &scope()));
    assert_eq!(taken[0].arguments["who"]["id"], "42");
    // A conversation of one's own is one's own to forget (reference B19).
    assert!(refused(world.matching(&group("/reset"), &scope())).is_some());
    let unique = scope_of(|profile| profile.platform_settings.unique_session = true);
    assert_eq!(names(world.matching(&group("/reset"), &unique)), ["reset", "log"]);
    assert_eq!(names(world.matching(&private("/reset"), &scope())), ["reset", "log"]);
}

#[tokio::test]
async fn profile_and_session_decide_which_plugins_take_part() {
    let world = world().await;
    let none = scope_of(|profile| profile.plugin_set.clear());
    assert_eq!(names(world.matching(&private("/roll"), &none)), Vec::<String>::new());
    assert_eq!(names(world.matching(&private("/sid"), &none)), ["sid"]);
    let ours = scope_of(|profile| profile.plugin_set = vec!["everything".into()]);
    assert_eq!(names(world.matching(&private("/roll"), &ours)), ["roll", "log"]);
    let rule = |names: [&str; 2]| PluginScope {
        rule: Arc::new(SessionRule {
            disabled_plugins: names.map(str::to_owned).to_vec(),
            ..SessionRule::default()
        }),
        ..scope()
    };
    let off = rule(["everything", "information"]);
    assert_eq!(names(world.matching(&private("/roll"), &off)), Vec::<String>::new());
    assert_eq!(names(world.matching(&private("/sid"), &off)), ["sid"]);
    let bare = scope_of(|profile| profile.disable_builtin_commands = true);
    assert_eq!(names(world.matching(&private("/sid"), &bare)), ["log"]);
    assert_eq!(names(world.matching(&mentioning(group("")), &bare)), ["called", "log"]);
}

#[tokio::test]
async fn a_handler_that_fails_is_answered_and_costs_nobody_else() {
    let world = world().await;
    let run = async |written: &str| -> Outcome {
        let event = private(written);
        let taken = activated(world.matching(&event, &scope()));
        world.plugins.handle(&taken[0], &event, &scope()).await
    };
    let failed = run("/fail").await;
    let text = failed.replies[0].plain_text();
    assert_eq!(text, "The plugin \"everything\" failed: out of dice");
    assert!(failed.stop);
    let broke = run("/panic").await;
    assert!(!broke.replies[0].plain_text().contains("secret"));
    let values = world.plugins.shared().database().plugin_values();
    let told = values.load("everything", "failure").await.unwrap().unwrap();
    assert!(told.to_string().contains("secret"), "{told}");
    let rolled = run("/roll").await;
    assert_eq!(rolled.replies[0].plain_text(), "d6");
    assert!(rolled.no_model && !rolled.stop);
}

#[tokio::test]
async fn what_a_hook_changed_before_it_failed_is_not_taken() {
    let world = world().await;
    let event = private("x");
    let mut chain = MessageChain::text("good");
    chain.use_markdown = Some(true);
    world.plugins.on_decorating(&event, &scope(), &mut chain).await;
    assert_eq!((chain.plain_text().as_str(), chain.use_markdown), ("good !", Some(true)));
    let mut chain = MessageChain::text("bad");
    world.plugins.on_decorating(&event, &scope(), &mut chain).await;
    assert_eq!(chain.plain_text(), "bad");
}

#[tokio::test]
async fn a_waiter_outlives_a_restart_and_gets_the_same_message_again() {
    let world = world().await;
    assert_eq!(world.answers(&private("/ask")).await, ["what?"]);
    let world = world.restarted().await;
    let mut answer = private("the tea");
    answer.message_id = "m2".into();
    let taken = activated(world.matching(&answer, &scope()));
    assert!(taken[0].wakes && taken.len() == 1);
    assert_eq!(world.answers(&answer).await, ["asked 7 the tea"]);
    // The process dies before the turn is committed, and the turn is begun again.
    let world = world.restarted().await;
    assert_eq!(world.answers(&answer).await, ["asked 7 the tea"]);
    let mut next = private("more");
    next.message_id = "m3".into();
    assert_eq!(names(world.matching(&next, &scope())), ["log"]);
}

#[tokio::test]
async fn a_command_is_never_taken_for_an_answer() {
    let world = world().await;
    world.answers(&private("/ask")).await;
    let mut command = private("/roll");
    command.message_id = "m2".into();
    assert_eq!(world.answers(&command).await, ["d6"]);
    let mut answer = private("roll");
    answer.message_id = "m3".into();
    assert_eq!(world.answers(&answer).await, ["asked 7 roll"]);
}

#[tokio::test]
async fn a_timer_outlives_a_restart_and_says_what_it_says_once() {
    let world = world().await;
    let terms = Registration::of::<Everything>().terms();
    let shared = Arc::clone(world.plugins.shared());
    let host = super::host::PluginHost::new("everything", shared, terms);
    let host = Host::new(Arc::new(host));
    host.schedule(NewTimer::once("tea", Duration::ZERO)).await.unwrap();
    host.schedule(NewTimer::once("broken", Duration::ZERO).payload("fail")).await.unwrap();
    let world = world.restarted().await;
    let timers = world.plugins.shared().database().plugin_timers();
    let ours = ["everything".to_owned()];
    let due = timers.due(&ours, i64::MAX, 9).await.unwrap();
    let tea = due.iter().find(|timer| timer.name == "tea").unwrap();
    world.plugins.run_due().await.unwrap();
    // As if the process had died after it was said and before the timer was forgotten.
    world.plugins.fire(tea.clone()).await;
    let bus = Bus::new(world.plugins.shared().database().clone(), BusSettings::default());
    let (epoch, _) = bus.take_over().await.unwrap();
    let said = bus.lease_outbox(epoch, "webchat", 9).await.unwrap();
    assert_eq!(said.len(), 1);
    assert!(said[0].payload.to_string().contains("tea"));
    bus.sent(said[0].id, epoch, None).await.unwrap();
    assert!(bus.lease_outbox(epoch, "webchat", 9).await.unwrap().is_empty());
    // The one that failed is tried again later, and given up in the end.
    for attempt in 1..3 {
        let left = timers.due(&ours, i64::MAX, 9).await.unwrap();
        assert_eq!((left.len(), left[0].attempts), (1, attempt));
        world.plugins.fire(left[0].clone()).await;
    }
    assert!(timers.due(&ours, i64::MAX, 9).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_command_is_renamed_restricted_and_switched_off_for_good() {
    let world = world().await;
    let change = async |name: &str, change| world.plugins.change_command(name, change).await;
    let named = |word: &str| CommandChange::Named { word: word.into(), aliases: None };
    let row = change("everything.roll", named("dice")).await.unwrap();
    assert_eq!((row.original_word.as_str(), row.path.as_str()), ("roll", "dice"));
    let aliases = Some(vec!["d".to_owned()]);
    let named_too = CommandChange::Named { word: "dice".into(), aliases };
    change("everything.roll", named_too).await.unwrap();
    change("everything.fail", CommandChange::AdminsOnly(true)).await.unwrap();
    change("information.sid", CommandChange::Enabled(false)).await.unwrap();
    let world = world.restarted().await;
    assert_eq!(world.answers(&private("/D 4")).await, ["d4"]);
    assert_eq!(names(world.matching(&private("/roll"), &scope())), ["log"]);
    assert!(refused(world.matching(&private("/fail"), &scope())).is_some());
    assert_eq!(names(world.matching(&private("/sid"), &scope())), ["log"]);
    let rows = world.plugins.commands();
    assert!(rows.iter().any(|row| row.handler == "sid" && !row.enabled && row.reserved));

    let refused = |error: CommandError| error.to_string();
    let error = world.plugins.change_command("everything.roll", named("help")).await.unwrap_err();
    assert_eq!(refused(error), "\"help\" is a command of information already");
    let error = world.plugins.change_command("everything.roll", named("a b")).await.unwrap_err();
    assert_eq!(refused(error), "a command cannot be called \"a b\"");
    let error = world.plugins.change_command("nobody.roll", named("x")).await.unwrap_err();
    assert_eq!(refused(error), "there is no command \"nobody.roll\"");
    assert!(world.plugins.command_conflicts().is_empty());
}

/// The ancestor looked an override up under another plugin's name than it stored it, so that it
/// never counted.
#[tokio::test]
async fn b19_who_may_reset_is_the_operators_to_decide() {
    let world = world().await;
    assert!(refused(world.matching(&group("/reset"), &scope())).is_some());
    let change = CommandChange::AdminsOnly(false);
    world.plugins.change_command("conversation.reset", change).await.unwrap();
    assert_eq!(names(world.matching(&group("/reset"), &scope())), ["reset", "log"]);
    let change = CommandChange::AdminsOnly(true);
    world.plugins.change_command("conversation.reset", change).await.unwrap();
    assert!(refused(world.matching(&private("/reset"), &scope())).is_some());
}

/// In the ancestor a plugin that asked for the model switched it off.
#[tokio::test]
async fn b24_only_who_says_so_keeps_a_message_from_the_model() {
    let outcome = |reply: Reply| {
        let mut outcome = Outcome::default();
        outcome.absorb(reply);
        (outcome.stop, outcome.no_model, outcome.ask.map(|ask| ask.prompt))
    };
    assert_eq!(outcome(Reply::nothing()), (false, false, None));
    assert_eq!(outcome(Reply::ask("why")), (false, false, Some("why".into())));
    assert_eq!(outcome(Reply::nothing().no_model()), (false, true, None));
    assert_eq!(outcome(Reply::nothing().stop()), (true, true, None));
}
