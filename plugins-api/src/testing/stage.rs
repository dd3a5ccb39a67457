//! The stage: a loaded plugin, and somebody who talks to it.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::Duration;

use serde_json::Value;

use super::fake_host::{FakeHost, milliseconds};
use crate::matching::{Facts, Found, Index, Line, Question, check, path_usage, usage};
use crate::{
    Answered, Ask, Call, CommandInfo, Event, Flow, Host, Language, Message, MessageKind, Method,
    Person, Plugin, PluginError, Reply, Role, SettingsTaken, Timer, Trigger, Unanswered,
    WebRequest, WebResponse, WebRoute,
};

/// The wake prefix on the stage.
const PREFIX: &str = "/";

/// A loaded plugin with a host in memory.
pub struct Stage<P> {
    plugin: P,
    host: Arc<FakeHost>,
    index: Index,
}

/// What came of a message.
#[derive(Debug, Default)]
pub struct Said {
    /// The handlers that ran, in order.
    pub handlers: Vec<String>,
    /// What was answered.
    pub replies: Vec<Message>,
    /// What the model was asked by the plugin.
    pub asked: Option<Ask>,
    /// Why a command did not run; empty text when it was not allowed.
    pub refused: Option<String>,
}

impl Said {
    /// The texts of the answers.
    pub fn texts(&self) -> Vec<String> {
        self.replies.iter().map(Message::plain_text).collect()
    }
}

impl<P: Plugin> Stage<P> {
    /// Loads the plugin with an empty host.
    pub async fn load() -> Result<Self, PluginError> {
        Self::load_with(FakeHost::default()).await
    }

    /// Loads the plugin with that host.
    pub async fn load_with(host: FakeHost) -> Result<Self, PluginError> {
        let host = Arc::new(host);
        let plugin = P::load(Host::new(Arc::clone(&host) as Arc<_>)).await?;
        let handlers = plugin.handlers();
        check(&handlers).map_err(PluginError::failed)?;
        let manifest = P::manifest();
        let name: Arc<str> = Arc::from(manifest.name);
        let index = Index::new(handlers.into_iter().map(|one| (Arc::clone(&name), one, true)));
        let shown = index.entries().iter().filter(|entry| !entry.path.is_empty());
        host.world().commands = shown
            .map(|entry| {
                let arguments = match &entry.handler.trigger {
                    Trigger::Command { arguments, .. } => arguments.as_slice(),
                    Trigger::Group { .. } | Trigger::Message => &[],
                };
                CommandInfo {
                    plugin: entry.plugin.to_string(),
                    path: entry.path.clone(),
                    usage: usage(PREFIX, &entry.path, arguments),
                    about: entry.handler.about.clone(),
                    arguments: arguments
                        .iter()
                        .map(|a| (a.name.clone(), a.about.clone()))
                        .collect(),
                    group: matches!(entry.handler.trigger, Trigger::Group { .. }),
                    reserved: manifest.reserved,
                }
            })
            .collect();
        Ok(Self { plugin, host, index })
    }

    /// The plugin.
    pub fn plugin(&self) -> &P {
        &self.plugin
    }

    /// Its host.
    pub fn host(&self) -> &FakeHost {
        &self.host
    }

    /// The operator saves these settings. A plugin that does not take them over goes on as it is
    /// here; a gateway would load it again.
    pub async fn change_settings(&self, settings: Value) -> Result<SettingsTaken, PluginError> {
        self.host.world().settings = settings.clone();
        self.plugin.settings_changed(settings).await
    }

    /// Somebody who is logged in reads one of its routes.
    pub async fn get(&self, path: &str) -> Result<WebResponse, PluginError> {
        let same = |route: &WebRoute| route.method == Method::Get && route.path == path;
        if !self.plugin.routes().iter().any(same) {
            return Err(PluginError::Unknown(format!("there is no route GET {path}")));
        }
        self.plugin.web(WebRequest::get(path, "ann")).await
    }

    /// A private message of `ann`, to be changed and then given to [`Stage::receive`].
    pub fn event(text: &str) -> Event {
        Event {
            session: "test:FriendMessage:ann".into(),
            reply_to: "test:FriendMessage:ann".into(),
            kind: MessageKind::Private,
            platform: "test".into(),
            platform_type: "test".into(),
            message_id: "1".into(),
            self_id: "bot".into(),
            sender: Person { id: "ann".into(), name: "Ann".into() },
            group: None,
            message: Message::text(text),
            text: text.to_owned(),
            at_ms: 0,
            role: Role::Member,
            addressed: true,
            language: Language::English,
        }
    }

    /// `ann` says this in private. The wake prefix is `/`.
    pub async fn say(&self, text: &str) -> Said {
        self.receive(Self::event(text)).await
    }

    /// Gives it a message, as it came from the platform: with the wake prefix.
    pub async fn receive(&self, mut event: Event) -> Said {
        let prefixed = event.text.strip_prefix(PREFIX).map(|rest| rest.trim_start().to_owned());
        let strict = prefixed.is_some();
        if let Some(rest) = prefixed {
            event.text = rest;
            event.addressed = true;
        }
        let line = Line::of(&event.message, &event.text);
        let may_command = strict || (event.addressed && event.kind == MessageKind::Group);
        let found = self.index.find(&Question {
            facts: Facts {
                text: &event.text,
                kind: event.kind,
                platform_type: &event.platform_type,
                role: event.role,
                addressed: event.addressed,
                only_addressed: event.addressed && event.text.trim().is_empty(),
                shared: event.kind == MessageKind::Group,
            },
            line: may_command.then_some(&line),
            strict,
            allowed: &|_| true,
            custom: &|_, name| self.plugin.predicate(name, &event),
        });
        self.run(found, event).await
    }

    async fn run(&self, found: Found, event: Event) -> Said {
        let mut said = Said::default();
        let refused = match found {
            Found::Denied(_) => String::new(),
            Found::Misused(entry, error) => {
                let Trigger::Command { arguments, .. } = &entry.handler.trigger else {
                    return said;
                };
                format!("{error}: {}", usage(PREFIX, &entry.path, arguments))
            }
            Found::Group(_, below) => {
                let lines = below.iter().map(|entry| path_usage(PREFIX, &entry.path));
                lines.collect::<Vec<_>>().join("\n")
            }
            Found::Handlers(hits) => {
                let is_command = hits.iter().any(|hit| hit.entry.handler.naming().is_some());
                let waited = if is_command { None } else { self.take_wait(&event) };
                if let Some((_, wait)) = waited {
                    let answered = Answered { event, name: wait.name, payload: wait.payload };
                    said.take("answered", self.plugin.answered(answered).await);
                    return said;
                }
                for hit in hits {
                    let handler = hit.entry.handler.name.clone();
                    let (event, arguments) = (event.clone(), hit.arguments);
                    let call = Call { handler: handler.clone(), event, arguments };
                    if said.take(&handler, self.plugin.handle(call).await) == Flow::Stop {
                        break;
                    }
                }
                return said;
            }
        };
        said.refused = Some(refused);
        said
    }

    fn take_wait(&self, event: &Event) -> Option<(i64, crate::Wait)> {
        let mut world = self.host.world();
        let matches = |wait: &crate::Wait| {
            wait.session == event.session
                && wait.sender.as_ref().is_none_or(|sender| *sender == event.sender.id)
        };
        let found = world.waits.iter().rev().find(|(_, (_, wait))| matches(wait));
        let number = found.map(|(number, _)| *number)?;
        world.waits.remove(&number)
    }

    /// Lets time pass: timers fire and waits end, in order. What the plugin returns is in
    /// [`FakeHost::sent`] afterwards. The first error ends it.
    pub async fn advance(&self, by: Duration) -> Result<(), PluginError> {
        let until = self.host.world().now_ms.saturating_add(milliseconds(by));
        while let Some((at, due)) = self.next_due(until) {
            self.host.world().now_ms = at;
            let sent = match due {
                Due::Timer(timer) => self.plugin.timer(timer).await?,
                Due::Unanswered(unanswered) => self.plugin.unanswered(unanswered).await?,
            };
            self.host.world().sent.extend(sent);
        }
        self.host.world().now_ms = until;
        Ok(())
    }

    fn next_due(&self, until: i64) -> Option<(i64, Due)> {
        let mut world = self.host.world();
        let timer = world.timers.values().min_by_key(|(at, _)| *at).cloned();
        let wait = world.waits.iter().min_by_key(|(_, (at, _))| *at);
        let wait = wait.map(|(number, (at, wait))| (*at, *number, wait.clone()));
        match (timer, wait) {
            (Some((at, timer)), wait) if at <= until && wait.as_ref().is_none_or(|w| at <= w.0) => {
                world.timers.remove(&timer.name);
                if let Some(every) = timer.every {
                    let again = at.saturating_add(milliseconds(every).max(1000));
                    world.timers.insert(timer.name.clone(), (again, timer.clone()));
                }
                let timer = Timer { name: timer.name, due_ms: at, payload: timer.payload };
                Some((at, Due::Timer(timer)))
            }
            (_, Some((at, number, wait))) if at <= until => {
                world.waits.remove(&number);
                let (reply_to, name, payload) = (wait.reply_to, wait.name, wait.payload);
                Some((at, Due::Unanswered(Unanswered { reply_to, name, payload })))
            }
            _ => None,
        }
    }
}

enum Due {
    Timer(Timer),
    Unanswered(Unanswered),
}

impl Said {
    fn take(&mut self, handler: &str, reply: Result<Reply, PluginError>) -> Flow {
        self.handlers.push(handler.to_owned());
        match reply {
            Ok(reply) => {
                self.replies.extend(reply.messages);
                if reply.flow != Flow::Stop {
                    self.asked = self.asked.take().or(reply.ask);
                }
                reply.flow
            }
            Err(error) => {
                self.replies.push(Message::text(error.to_string()));
                Flow::Stop
            }
        }
    }
}

/// Runs one future to its end on this thread.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}
