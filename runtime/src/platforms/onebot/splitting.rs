//! Splitting: what is too long for one message, or needs one of its own.

use firstlight_core::model::{Component, MessageChain, Outgoing, Plain};

/// A message as pieces, in order. A piece has at most `limit` characters of text; files, voice,
/// video and bundles are pieces of their own. The pieces of what is left are what is left of the
/// pieces.
pub(super) fn pieces(message: &Outgoing, limit: usize) -> Vec<Outgoing> {
    let mut pieces = Pieces { done: Vec::new(), piece: Vec::new(), length: 0, limit };
    for component in merged(&message.message.chain) {
        match component {
            Component::Plain(plain) => pieces.text(&plain),
            own if is_own(&own) => {
                pieces.end();
                pieces.piece.push(own);
                pieces.end();
            }
            other => pieces.piece.push(other),
        }
    }
    pieces.end();
    let derived = |chain| {
        let chain = MessageChain { chain, ..message.message.clone() };
        Outgoing { message: chain, ..message.clone() }
    };
    pieces.done.into_iter().map(derived).collect()
}

struct Pieces {
    done: Vec<Vec<Component>>,
    piece: Vec<Component>,
    length: usize,
    limit: usize,
}

impl Pieces {
    fn text(&mut self, plain: &Plain) {
        let mut rest = plain.text.as_str();
        loop {
            let room = self.limit.saturating_sub(self.length);
            let Some((head, tail)) = cut(rest, room) else { break };
            self.push(head, plain.convert);
            self.end();
            rest = tail;
        }
        self.push(rest, plain.convert);
    }

    fn push(&mut self, text: &str, convert: bool) {
        if !text.is_empty() {
            self.length += text.chars().count();
            self.piece.push(Component::Plain(Plain { text: text.to_owned(), convert }));
        }
    }

    /// Ends the piece. One that says nothing is left out: clients refuse empty messages.
    fn end(&mut self) {
        let piece = std::mem::take(&mut self.piece);
        self.length = 0;
        if piece.iter().any(says_something) {
            self.done.push(piece);
        }
    }
}

fn says_something(component: &Component) -> bool {
    match component {
        Component::Plain(plain) => !plain.text.trim().is_empty(),
        Component::Reply(_) => false,
        _ => true,
    }
}

fn is_own(component: &Component) -> bool {
    matches!(
        component,
        Component::File(_)
            | Component::Record(_)
            | Component::Video(_)
            | Component::Node(_)
            | Component::Nodes(_)
    )
}

/// Neighbouring texts as one, so that it does not matter where they were cut before; neighbouring
/// nodes as one bundle.
fn merged(chain: &[Component]) -> Vec<Component> {
    let mut merged: Vec<Component> = Vec::with_capacity(chain.len());
    for component in chain {
        match (merged.last_mut(), component) {
            (Some(Component::Plain(last)), Component::Plain(plain))
                if last.convert == plain.convert =>
            {
                last.text.push_str(&plain.text);
            }
            (Some(Component::Nodes(nodes)), node @ Component::Node(_)) => {
                nodes.messages.push(node.clone());
            }
            (_, node @ Component::Node(_)) => {
                let messages = vec![node.clone()];
                merged.push(Component::Nodes(firstlight_core::model::Nodes { messages }));
            }
            _ => merged.push(component.clone()),
        }
    }
    merged
}

/// Cuts a text that has more than `room` characters: after the last line that fits, else after the
/// last word, else in the middle of one. None when it fits as it is.
fn cut(text: &str, room: usize) -> Option<(&str, &str)> {
    let (end, _) = text.char_indices().nth(room)?;
    let (fits, _) = text.split_at(end);
    let line = fits.rfind('\n').map(|at| at + 1);
    let word = || fits.rfind(' ').map(|at| at + 1);
    // A cut near the beginning would leave a crumb.
    let good = |at: &usize| *at > fits.len() / 2;
    let at = line.filter(good).or_else(|| word().filter(good)).unwrap_or(end);
    Some(text.split_at(at))
}
