//! Stage 8, decoration: what is said gets the form in which it is sent.
//!
//! The web chat shows what is said as it is, for a streamed answer was seen before it could be
//! changed; so prefix, mention, quote and splitting are for the other platforms, and the prefix for
//! what the web chat does not stream.

use std::time::Duration;

use firstlight_core::messages::Message as Sentence;
use firstlight_core::model::{
    At, Component, MessageChain, MessageEvent, MessageKind, Node, Outgoing, Reply,
};

use super::answer::TurnEnd;
use super::passage::{Passage, Said, Speaker};
use super::respond::reply;
use super::segments;

/// The platform that shows a long text as a forwarded message.
const FOLDS: &str = "aiocqhttp";
/// Platforms that take one message for an answer.
const UNSEGMENTED: [&str; 3] = ["qq_official_webhook", "weixin_official_account", "dingtalk"];

pub(super) async fn run(passage: &mut Passage<'_>) {
    let said = std::mem::take(&mut passage.said);
    for said in said {
        if let Some(said) = decorated(passage, said).await {
            passage.said.push(said);
        }
    }
    if passage.is_built_in() {
        return;
    }
    let outgoing: Vec<Outgoing> =
        passage.said.iter().flat_map(|said| pieces(passage, said)).collect();
    passage.outgoing = outgoing;
}

/// What is said, as plugins and the profile want it; `None` when it is not said after all.
async fn decorated(passage: &mut Passage<'_>, mut said: Said) -> Option<Said> {
    let streamed = said.by == Speaker::Model && passage.streams();
    let profile = passage.scope.profile.clone();
    if said.by == Speaker::Model
        && !streamed
        && profile.content_safety.also_use_in_response
        && passage.is_unfit(&said.message.plain_text()).await
    {
        let withheld = Sentence::AnswerWithheld.text(profile.language);
        said = Said { by: Speaker::Gateway, message: MessageChain::text(withheld) };
    }
    let plugins = &passage.resources.plugins;
    let outcome = plugins.on_decorating(&passage.event, &passage.scope, &mut said.message).await;
    let withheld = outcome.stop;
    passage.say_all(Speaker::Plugin, outcome.replies);
    if withheld {
        return None;
    }
    if said.by == Speaker::Model
        && !passage.is_built_in()
        && profile.provider_settings.display_reasoning_text
    {
        add_reasoning(passage.ended(), &mut said.message);
    }
    if !streamed {
        prefix(&mut said.message, &profile.platform_settings.reply_prefix);
    }
    (!is_blank(&said.message)).then_some(said)
}

fn add_reasoning(end: Option<&TurnEnd>, message: &mut MessageChain) {
    let Some(TurnEnd::Answered(answer)) = end else { return };
    if !answer.reasoning.trim().is_empty() {
        let thought = format!("🤔 {}\n\n", answer.reasoning.trim());
        message.chain.insert(0, Component::text(thought));
    }
}

fn prefix(message: &mut MessageChain, prefix: &str) {
    if prefix.is_empty() {
        return;
    }
    let first = message.chain.iter_mut().find_map(|component| match component {
        Component::Plain(plain) => Some(plain),
        _ => None,
    });
    match first {
        Some(plain) => plain.text.insert_str(0, prefix),
        None => message.chain.insert(0, Component::text(prefix)),
    }
}

/// The messages that one thing said is sent as.
fn pieces(passage: &Passage<'_>, said: &Said) -> Vec<Outgoing> {
    let (settings, event) = (&passage.scope.profile.platform_settings, &passage.event);
    let kind = event.platform_type.as_str();
    let splits = settings.segmented_reply.enable
        && !UNSEGMENTED.contains(&kind)
        && (said.by == Speaker::Model || !settings.segmented_reply.only_llm_result);
    let mut pieces = if splits {
        segments::split(&said.message, &settings.segmented_reply, &passage.compiled)
    } else {
        vec![(said.message.clone(), Duration::ZERO)]
    };
    if !splits && kind == FOLDS && letters(&said.message) > settings.forward_threshold as usize {
        pieces = vec![(folded(&said.message, event), Duration::ZERO)];
    } else if let Some((first, _)) = pieces.first_mut() {
        address(first, event, settings.reply_with_mention, settings.reply_with_quote);
    }
    let outgoing = |(message, pause): (MessageChain, Duration)| Outgoing {
        account: event.self_id.clone(),
        pause_ms: u32::try_from(pause.as_millis()).unwrap_or(u32::MAX),
        ..reply(event, message)
    };
    pieces.into_iter().map(outgoing).collect()
}

fn letters(message: &MessageChain) -> usize {
    message.chain.iter().filter_map(Component::as_text).map(|text| text.chars().count()).sum()
}

/// The whole message as one entry of a forwarded bundle.
fn folded(message: &MessageChain, event: &MessageEvent) -> MessageChain {
    let node = Node {
        uin: event.self_id.clone(),
        name: event.self_id.clone(),
        content: message.chain.clone(),
        ..Node::default()
    };
    message.derive(vec![Component::Node(node)])
}

/// Puts a mention and a quote in front, where the profile wants that and the message is one that
/// platforms accept these with.
fn address(message: &mut MessageChain, event: &MessageEvent, mention: bool, quote: bool) {
    let plain =
        |component: &Component| matches!(component, Component::Plain(_) | Component::Image(_));
    if !message.chain.iter().all(plain) {
        return;
    }
    if mention && event.session.kind() == MessageKind::Group {
        let name = event.sender.nickname.clone().unwrap_or_default();
        let at = At { qq: event.sender.user_id.clone(), name };
        match message.chain.first_mut() {
            Some(Component::Plain(plain)) => plain.text.insert(0, '\n'),
            _ => message.chain.insert(0, Component::text("\n")),
        }
        message.chain.insert(0, Component::At(at));
    }
    if quote {
        let reply = Reply { id: event.message_id.clone(), ..Reply::default() };
        message.chain.insert(0, Component::Reply(reply));
    }
}

/// Whether there is nothing in it that could be sent.
pub(super) fn is_blank(message: &MessageChain) -> bool {
    message.chain.iter().all(|component| match component {
        Component::Plain(plain) => plain.text.trim().is_empty(),
        Component::Reply(_) => true,
        _ => false,
    })
}
