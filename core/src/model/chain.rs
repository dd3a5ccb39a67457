//! A whole message: its components in order, and what is to be done with them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::component::Component;
use super::segments::Plain;

/// What a chain is, when it is not simply a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChainKind {
    /// What the model thought.
    Reasoning,
    /// A tool is called.
    ToolCall,
    /// A tool answered.
    ToolCallResult,
    /// A tool's answer that goes to the user as it is.
    ToolDirectResult,
    /// Token counts and times of a run.
    AgentStats,
    /// Times of a speech synthesis.
    TtsStats,
    /// A piece of sound.
    AudioChunk,
    /// Ends a segment of a stream; the chain is empty.
    Break,
}

/// The components of a message, in order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MessageChain {
    /// The components.
    #[serde(default)]
    pub chain: Vec<Component>,
    /// Whether to draw long text as a picture; undecided when absent.
    #[serde(rename = "use_t2i_", default, skip_serializing_if = "Option::is_none")]
    pub use_t2i: Option<bool>,
    /// Whether to send as Markdown; undecided when absent.
    #[serde(rename = "use_markdown_", default, skip_serializing_if = "Option::is_none")]
    pub use_markdown: Option<bool>,
    /// What it is, when it is not simply a message.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<ChainKind>,
}

/// How much of a stranger's message is read.
#[derive(Debug, Clone, Copy)]
pub struct ChainLimits {
    /// How deep JSON values may nest.
    pub depth: usize,
    /// How many JSON values there may be in all.
    pub values: usize,
    /// How many bytes all texts may have together.
    pub bytes: usize,
}

impl Default for ChainLimits {
    /// Deep enough for a quoted forward of a quoted forward, large enough for inline pictures.
    fn default() -> Self {
        Self { depth: 32, values: 20_000, bytes: 32 << 20 }
    }
}

/// Why a message was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChainRefused {
    /// Nested deeper than allowed.
    #[error("the message nests deeper than {0} levels")]
    TooDeep(usize),
    /// More values than allowed.
    #[error("the message has more than {0} values")]
    TooMany(usize),
    /// More text than allowed.
    #[error("the message has more than {0} bytes")]
    TooLarge(usize),
    /// Not a text, a segment or an array of segments.
    #[error("the message is neither text nor an array of segments")]
    Shape,
}

impl MessageChain {
    /// A message of one text.
    pub fn text(text: impl Into<String>) -> Self {
        Self { chain: vec![Component::text(text)], ..Self::default() }
    }

    /// Reads a message in OneBot form: a text, one segment or an array of segments.
    pub fn from_segments(value: Value, limits: ChainLimits) -> Result<Self, ChainRefused> {
        Budget { values: limits.values, bytes: limits.bytes, limits }.spend(&value, 0)?;
        let chain = match value {
            Value::String(text) => vec![Component::text(text)],
            segments @ Value::Array(_) => {
                serde_json::from_value(segments).map_err(|_| ChainRefused::Shape)?
            }
            segment @ Value::Object(_) => {
                vec![serde_json::from_value(segment).map_err(|_| ChainRefused::Shape)?]
            }
            _ => return Err(ChainRefused::Shape),
        };
        Ok(Self { chain, ..Self::default() })
    }

    /// All its text, pieces joined by a space.
    pub fn plain_text(&self) -> String {
        let texts: Vec<&str> = self.chain.iter().filter_map(Component::as_text).collect();
        texts.join(" ")
    }

    /// Its text with a stand-in for everything that is not text.
    pub fn outline(&self) -> String {
        let pieces: Vec<String> = self.chain.iter().map(Component::outline).collect();
        pieces.join(" ")
    }

    /// Merges all text into the first piece of text; the rest keeps its order.
    pub fn squash_plain(&mut self) {
        let all: String = self.chain.iter().filter_map(Component::as_text).collect();
        let mut rest: Option<String> = Some(all);
        self.chain.retain_mut(|component| {
            let Component::Plain(Plain { text, .. }) = component else { return true };
            match rest.take() {
                Some(all) => {
                    *text = all;
                    true
                }
                None => false,
            }
        });
    }

    /// Another message with the same wishes about its presentation.
    #[must_use]
    pub fn derive(&self, chain: Vec<Component>) -> Self {
        Self { chain, ..Self { chain: Vec::new(), ..self.clone() } }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.chain.is_empty()
    }
}

struct Budget {
    values: usize,
    bytes: usize,
    limits: ChainLimits,
}

impl Budget {
    fn spend(&mut self, value: &Value, depth: usize) -> Result<(), ChainRefused> {
        if depth > self.limits.depth {
            return Err(ChainRefused::TooDeep(self.limits.depth));
        }
        self.values =
            self.values.checked_sub(1).ok_or(ChainRefused::TooMany(self.limits.values))?;
        match value {
            Value::String(text) => self.spend_text(text),
            Value::Array(items) => items.iter().try_for_each(|item| self.spend(item, depth + 1)),
            Value::Object(map) => map.iter().try_for_each(|(key, item)| {
                self.spend_text(key)?;
                self.spend(item, depth + 1)
            }),
            _ => Ok(()),
        }
    }

    fn spend_text(&mut self, text: &str) -> Result<(), ChainRefused> {
        self.bytes =
            self.bytes.checked_sub(text.len()).ok_or(ChainRefused::TooLarge(self.limits.bytes))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::segments::At;
    use super::*;

    fn read(value: Value) -> Result<MessageChain, ChainRefused> {
        MessageChain::from_segments(value, ChainLimits::default())
    }

    #[test]
    fn text_one_segment_and_many_are_read() {
        let hello = MessageChain::text("hello");
        assert_eq!(read(json!("hello")), Ok(hello.clone()));
        assert_eq!(read(json!({"type": "text", "data": {"text": "hello"}})), Ok(hello.clone()));
        assert_eq!(read(json!([{"type": "text", "data": {"text": "hello"}}])), Ok(hello));
    }

    #[test]
    fn hostile_messages_are_refused_by_the_limit_they_break() {
        let mut deep = json!([]);
        for _ in 0..100 {
            deep = json!([{"type": "reply", "data": {"id": 1, "chain": deep}}]);
        }
        assert_eq!(read(deep), Err(ChainRefused::TooDeep(32)));
        assert_eq!(read(json!(vec![0; 30_000])), Err(ChainRefused::TooMany(20_000)));
        let limits = ChainLimits { bytes: 10, ..ChainLimits::default() };
        assert_eq!(
            MessageChain::from_segments(json!("eleven chars"), limits),
            Err(ChainRefused::TooLarge(10))
        );
        assert_eq!(read(json!(7)), Err(ChainRefused::Shape));
        assert_eq!(read(json!([7])), Err(ChainRefused::Shape));
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let text = || prop_oneof!["[a-z]{0,6}", Just("text".to_owned()), Just("reply".to_owned())];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::from),
            text().prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 40, 4, move |inner| {
            let key = prop::sample::select(vec!["type", "data", "text", "chain", "id", "qq"]);
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(key.prop_map(str::to_owned), inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_json_is_refused_or_read_and_then_survives(value in any_json()) {
            if let Ok(chain) = read(value) {
                let written = serde_json::to_value(&chain.chain).unwrap();
                prop_assert_eq!(read(written).unwrap(), chain);
            }
        }
    }

    #[test]
    fn squashing_merges_text_into_its_first_place() {
        let at = Component::At(At::all());
        let mut chain = MessageChain {
            chain: vec![
                at.clone(),
                Component::text("a"),
                at.clone(),
                Component::text("b"),
                Component::text("c"),
            ],
            ..MessageChain::default()
        };
        chain.squash_plain();
        assert_eq!(chain.chain, vec![at.clone(), Component::text("abc"), at]);
        assert_eq!(chain.plain_text(), "abc");
        assert_eq!(chain.outline(), "@all abc @all");
    }

    #[test]
    fn a_derived_chain_keeps_the_wishes() {
        let original = MessageChain {
            use_markdown: Some(false),
            kind: Some(ChainKind::Break),
            ..MessageChain::text("a")
        };
        let derived = original.derive(vec![]);
        assert!(derived.is_empty());
        assert_eq!((derived.use_markdown, derived.kind), (Some(false), Some(ChainKind::Break)));
    }
}
