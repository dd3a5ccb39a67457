//! Quotes and forwarded bundles: a message that only names others is filled with what they say.
//!
//! How deep, and how often the platform is asked, is limited by the profile
//! (`provider_settings.quoted_message_parser`); what is beyond stays a name.

use std::time::Duration;

use firstlight_core::config::QuotedMessageParser;
use firstlight_core::model::{Component, MessageChain, MessageEvent, Node, Nodes, Reply};
use futures_util::future::BoxFuture;
use tokio::time::Instant;

use crate::platforms::{Adapter, Origin, QueryError, Quoted};

/// How long all questions about one message may take together.
const DEADLINE: Duration = Duration::from_secs(15);
/// How many messages of one bundle are taken.
const BUNDLE: usize = 100;
/// However a profile is set, nothing is followed deeper than this.
const DEEPEST: u32 = 16;

/// Fills in what the message quotes and forwards.
pub(super) async fn expand(
    event: &mut MessageEvent,
    adapter: &dyn Adapter,
    limits: &QuotedMessageParser,
) {
    let mut chain = std::mem::take(&mut event.message.chain);
    let mut walk = Walk {
        adapter,
        origin: Origin::of(event),
        limits,
        questions: limits.max_forward_fetch,
        until: Instant::now() + DEADLINE,
    };
    walk.chain(&mut chain, Depth::default()).await;
    event.message.chain = chain;
}

/// How deep a chain stands in quotes and in bundles.
#[derive(Debug, Clone, Copy, Default)]
struct Depth {
    quotes: u32,
    bundles: u32,
}

struct Walk<'a> {
    adapter: &'a dyn Adapter,
    origin: Origin<'a>,
    limits: &'a QuotedMessageParser,
    /// How many questions are left.
    questions: u32,
    until: Instant,
}

impl Walk<'_> {
    fn chain<'w>(&'w mut self, chain: &'w mut [Component], depth: Depth) -> BoxFuture<'w, ()> {
        Box::pin(async move {
            for component in chain {
                match component {
                    Component::Reply(reply) => self.reply(reply, depth).await,
                    Component::Forward(forward) => {
                        let id = forward.id.clone();
                        if let Some(nodes) = self.bundle(&id, depth).await {
                            *component = Component::Nodes(nodes);
                        }
                    }
                    Component::Node(node) => self.node(&mut node.content, depth).await,
                    Component::Nodes(nodes) => self.chain(&mut nodes.messages, depth).await,
                    _ => {}
                }
            }
        })
    }

    async fn node(&mut self, content: &mut [Component], depth: Depth) {
        let deeper = Depth { bundles: depth.bundles + 1, ..depth };
        if deeper.bundles <= self.limits.max_forward_node_depth.min(DEEPEST) {
            self.chain(content, deeper).await;
        }
    }

    async fn reply(&mut self, reply: &mut Reply, depth: Depth) {
        let deeper = Depth { quotes: depth.quotes + 1, ..depth };
        if deeper.quotes > self.limits.max_component_chain_depth.min(DEEPEST) {
            return;
        }
        let unknown = reply.chain.is_empty() && reply.message_str.is_empty();
        if unknown && !reply.id.is_empty() {
            let asked = self.adapter.quoted(self.origin, &reply.id);
            let Some(quoted) = ask(&mut self.questions, self.until, self.limits, asked).await
            else {
                return;
            };
            fill(reply, quoted);
        }
        self.chain(&mut reply.chain, deeper).await;
    }

    async fn bundle(&mut self, id: &str, depth: Depth) -> Option<Nodes> {
        let deeper = Depth { bundles: depth.bundles + 1, ..depth };
        if deeper.bundles > self.limits.max_forward_node_depth.min(DEEPEST) {
            return None;
        }
        let asked = self.adapter.forwarded(self.origin, id);
        let mut messages = ask(&mut self.questions, self.until, self.limits, asked).await?;
        messages.truncate(BUNDLE);
        let mut messages: Vec<Component> = messages.into_iter().map(node).collect();
        for component in &mut messages {
            if let Component::Node(node) = component {
                self.chain(&mut node.content, deeper).await;
            }
        }
        Some(Nodes { messages })
    }
}

/// Asks the platform, if there is a question left; a platform that cannot tell leaves the name.
async fn ask<T>(
    questions: &mut u32,
    until: Instant,
    limits: &QuotedMessageParser,
    question: impl Future<Output = Result<T, QueryError>>,
) -> Option<T> {
    *questions = questions.checked_sub(1)?;
    let late = || Err(QueryError::Failed("it took too long".to_owned()));
    let answer = tokio::time::timeout_at(until, question).await.unwrap_or_else(|_| late());
    match answer {
        Ok(answer) => Some(answer),
        Err(error) if limits.warn_on_action_failure => {
            tracing::warn!(%error, "a quoted or forwarded message could not be read");
            None
        }
        Err(error) => {
            tracing::debug!(%error, "a quoted or forwarded message could not be read");
            None
        }
    }
}

fn fill(reply: &mut Reply, quoted: Quoted) {
    reply.message_str = quoted.message.plain_text();
    reply.sender_id = quoted.sender.user_id;
    reply.sender_nickname = quoted.sender.nickname.unwrap_or_default();
    reply.time = quoted.time;
    reply.chain = quoted.message.chain;
}

fn node(quoted: Quoted) -> Component {
    let Quoted { sender, time, message: MessageChain { chain, .. } } = quoted;
    Component::Node(Node {
        uin: sender.user_id,
        name: sender.nickname.unwrap_or_default(),
        time,
        content: chain,
        ..Node::default()
    })
}
