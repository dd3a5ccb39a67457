//! What a message quotes and forwards, as the model is told it.

use std::fmt::Write as _;

use firstlight_core::model::{Component, Reply};

/// How many letters of quotes and forwards the model is told at most.
const LONGEST: usize = 16_000;

/// The quotes and bundles of a chain as text; empty when there are none.
pub(super) fn of(chain: &[Component]) -> String {
    let mut text = String::new();
    tell(chain, &mut text);
    let text = text.trim_end();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.split_at(end).0),
        None => text.to_owned(),
    }
}

fn tell(chain: &[Component], text: &mut String) {
    for component in chain {
        match component {
            Component::Reply(reply) => quote(reply, text),
            Component::Nodes(nodes) => bundle(&nodes.messages, text),
            Component::Node(_) => bundle(std::slice::from_ref(component), text),
            _ => {}
        }
    }
}

fn quote(reply: &Reply, text: &mut String) {
    let said =
        if reply.chain.is_empty() { reply.message_str.clone() } else { plainly(&reply.chain) };
    let mut within = String::new();
    tell(&reply.chain, &mut within);
    if said.trim().is_empty() && within.is_empty() {
        return;
    }
    let by = name(&reply.sender_nickname, &reply.sender_id);
    // Writing to a text cannot fail.
    let _ = writeln!(text, "<quoted{by}>\n{within}{said}\n</quoted>");
}

fn bundle(messages: &[Component], text: &mut String) {
    text.push_str("<forwarded>\n");
    for message in messages {
        let Component::Node(node) = message else { continue };
        let by = if node.name.is_empty() { &node.uin } else { &node.name };
        let _ = writeln!(text, "{by}: {}", plainly(&node.content));
        tell(&node.content, text);
    }
    text.push_str("</forwarded>\n");
}

fn name(nickname: &str, id: &str) -> String {
    let shown = if nickname.is_empty() { id } else { nickname };
    if shown.is_empty() { String::new() } else { format!(" by {shown:?}") }
}

/// What a chain says itself, without what it quotes.
fn plainly(chain: &[Component]) -> String {
    let own = chain.iter().filter(|component| {
        !matches!(component, Component::Reply(_) | Component::Nodes(_) | Component::Node(_))
    });
    own.map(Component::outline).collect::<Vec<_>>().join(" ")
}

/// The pictures in quotes and bundles, the first of them.
pub(super) fn pictures(chain: &[Component], most: usize) -> Vec<&str> {
    let mut found = Vec::new();
    for component in chain {
        match component {
            Component::Reply(reply) => within(&reply.chain, &mut found),
            Component::Nodes(nodes) => within(&nodes.messages, &mut found),
            Component::Node(node) => within(&node.content, &mut found),
            _ => {}
        }
    }
    found.truncate(most);
    found
}

fn within<'c>(chain: &'c [Component], found: &mut Vec<&'c str>) {
    for component in chain {
        match component {
            Component::Image(image) if !image.url.is_empty() => found.push(&image.url),
            Component::Reply(reply) => within(&reply.chain, found),
            Component::Nodes(nodes) => within(&nodes.messages, found),
            Component::Node(node) => within(&node.content, found),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use firstlight_core::model::{Image, Node, Nodes};

    use super::*;

    fn node(name: &str, content: Vec<Component>) -> Component {
        Component::Node(Node { name: name.into(), content, ..Node::default() })
    }

    #[test]
    fn a_quoted_bundle_is_told_with_its_speakers_and_its_pictures() {
        let picture = Component::Image(Image { url: "attachment:1".into(), ..Image::default() });
        let inner = Nodes { messages: vec![node("ann", vec![Component::text("hi"), picture])] };
        let chain = vec![
            Component::text("what is this?"),
            Component::Reply(Reply {
                sender_nickname: "bob".into(),
                chain: vec![Component::text("look"), Component::Nodes(inner)],
                ..Reply::default()
            }),
        ];
        let expected =
            "<quoted by \"bob\">\n<forwarded>\nann: hi [image]\n</forwarded>\nlook\n</quoted>";
        assert_eq!(of(&chain), expected);
        assert_eq!(pictures(&chain, 20), ["attachment:1"]);
        assert!(pictures(&chain, 0).is_empty());
    }

    #[test]
    fn a_message_that_quotes_nothing_has_no_transcript() {
        assert_eq!(of(&[Component::text("hi"), Component::Reply(Reply::default())]), "");
    }

    #[test]
    fn a_transcript_has_an_end() {
        let quote = Reply { message_str: "字".repeat(50_000), ..Reply::default() };
        assert_eq!(of(&[Component::Reply(quote)]).chars().count(), LONGEST + 1);
    }
}
