//! The data of each kind of message component, with the field names of the OneBot-style JSON.
//!
//! Platforms disagree on whether an id is a number or a text; every id is text here and either is
//! accepted.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::component::Component;
use super::lenient::{lenient, parsed_json, text_or_number};
use super::shortened::write_shortened;

/// Declares component data: all share their derives.
macro_rules! segments {
    ($($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$meta])*
        #[derive(Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(default)]
        pub struct $name { $($(#[$field_meta])* pub $field: $type,)* }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_shortened(self, f)
            }
        }
    )*};
}
pub(super) use segments;

segments! {
    /// A picture; `url` wins over `file` when both are there.
    Image {
        /// Any media reference: path, `file://`, `http(s)://`, `base64://`, `data:`.
        file: String,
        /// Where the picture can be fetched.
        #[serde(skip_serializing_if = "String::is_empty")]
        url: String,
        /// A local path.
        #[serde(skip_serializing_if = "String::is_empty")]
        path: String,
        /// The platform's own kind, such as `flash`.
        #[serde(rename = "type", alias = "_type", skip_serializing_if = "String::is_empty")]
        kind: String,
    }
    /// A voice message.
    Record {
        /// Any media reference.
        file: String,
        /// Where it can be fetched.
        #[serde(skip_serializing_if = "String::is_empty")]
        url: String,
        /// What is said, where it was made from text.
        #[serde(skip_serializing_if = "Option::is_none")]
        text: Option<String>,
        /// A local path.
        #[serde(skip_serializing_if = "Option::is_none")]
        path: Option<String>,
    }
    /// A video.
    Video {
        /// Any media reference.
        file: String,
        /// Where it can be fetched.
        #[serde(skip_serializing_if = "String::is_empty")]
        url: String,
        /// Its cover picture.
        #[serde(skip_serializing_if = "String::is_empty")]
        cover: String,
        /// A local path.
        #[serde(skip_serializing_if = "String::is_empty")]
        path: String,
    }
    /// Any other file.
    File {
        /// The name to show.
        name: String,
        /// A local reference.
        #[serde(alias = "file_", skip_serializing_if = "String::is_empty")]
        file: String,
        /// Where it can be fetched.
        #[serde(skip_serializing_if = "String::is_empty")]
        url: String,
    }
    /// A platform emoji by number.
    Face {
        /// The number, as text.
        #[serde(deserialize_with = "text_or_number")]
        id: String,
    }
    /// A mention; see [`At::all`] for everyone.
    At {
        /// The user's id, or `all`.
        #[serde(deserialize_with = "text_or_number")]
        qq: String,
        /// The name to show.
        #[serde(skip_serializing_if = "String::is_empty")]
        name: String,
    }
    /// A quote of an earlier message.
    Reply {
        /// The id of the quoted message.
        #[serde(deserialize_with = "text_or_number")]
        id: String,
        /// The quoted message, where the platform tells.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        chain: Vec<Component>,
        /// Who wrote it.
        #[serde(deserialize_with = "text_or_number", skip_serializing_if = "String::is_empty")]
        sender_id: String,
        /// That person's name.
        #[serde(skip_serializing_if = "String::is_empty")]
        sender_nickname: String,
        /// When it was written, in Unix seconds.
        #[serde(deserialize_with = "lenient")]
        time: i64,
        /// Its plain text.
        #[serde(skip_serializing_if = "String::is_empty")]
        message_str: String,
    }
    /// A reference to a received bundle of forwarded messages.
    Forward {
        /// The bundle's id.
        #[serde(deserialize_with = "text_or_number")]
        id: String,
    }
    /// One message of a bundle that is to be sent.
    Node {
        /// An existing message to forward.
        #[serde(deserialize_with = "text_or_number", skip_serializing_if = "String::is_empty")]
        id: String,
        /// The name to show as its author.
        name: String,
        /// The id to show as its author.
        #[serde(deserialize_with = "text_or_number")]
        uin: String,
        /// What it says.
        content: Vec<Component>,
        /// Its place in the bundle.
        #[serde(deserialize_with = "text_or_number", skip_serializing_if = "String::is_empty")]
        seq: String,
        /// Its time in Unix seconds.
        #[serde(deserialize_with = "lenient")]
        time: i64,
    }
    /// A bundle of nodes.
    Nodes {
        /// The nodes, each a `node` component.
        #[serde(alias = "nodes")]
        messages: Vec<Component>,
    }
    /// A nudge.
    Poke {
        /// The kind of nudge.
        #[serde(rename = "type", alias = "_type", deserialize_with = "text_or_number")]
        kind: String,
        /// Whom or which.
        #[serde(deserialize_with = "text_or_number")]
        id: String,
        /// The older field for whom.
        #[serde(deserialize_with = "text_or_number", skip_serializing_if = "String::is_empty")]
        qq: String,
    }
    /// A card in JSON; a text that holds an object or an array is parsed.
    Json {
        /// The card.
        #[serde(deserialize_with = "parsed_json")]
        data: Value,
    }
    /// A shared link.
    Share {
        /// The address.
        url: String,
        /// Its title.
        title: String,
        /// A description.
        #[serde(skip_serializing_if = "String::is_empty")]
        content: String,
        /// A preview picture.
        #[serde(skip_serializing_if = "String::is_empty")]
        image: String,
    }
    /// A piece of music.
    Music {
        /// `qq`, `163`, `xm` or `custom`.
        #[serde(rename = "type", alias = "_type")]
        kind: String,
        /// The service's id.
        #[serde(deserialize_with = "text_or_number", skip_serializing_if = "String::is_empty")]
        id: String,
        /// The page (custom).
        #[serde(skip_serializing_if = "String::is_empty")]
        url: String,
        /// The sound (custom).
        #[serde(skip_serializing_if = "String::is_empty")]
        audio: String,
        /// The title (custom).
        #[serde(skip_serializing_if = "String::is_empty")]
        title: String,
        /// A description (custom).
        #[serde(skip_serializing_if = "String::is_empty")]
        content: String,
        /// A picture (custom).
        #[serde(skip_serializing_if = "String::is_empty")]
        image: String,
    }
    /// A place.
    Location {
        /// Latitude in degrees.
        #[serde(deserialize_with = "lenient")]
        lat: f64,
        /// Longitude in degrees.
        #[serde(deserialize_with = "lenient")]
        lon: f64,
        /// Its name.
        #[serde(skip_serializing_if = "String::is_empty")]
        title: String,
        /// A description.
        #[serde(skip_serializing_if = "String::is_empty")]
        content: String,
    }
    /// A recommended person or group.
    Contact {
        /// `qq` or `group`.
        #[serde(rename = "type", alias = "_type")]
        kind: String,
        /// Its id.
        #[serde(deserialize_with = "text_or_number")]
        id: String,
    }
    /// A component that says everything by its kind.
    Marker {}
}

/// Text. `convert` says whether platform markup in it is to be translated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Plain {
    /// The text itself.
    pub text: String,
    /// False for text that must reach the platform untouched.
    #[serde(skip_serializing_if = "is_true")]
    pub convert: bool,
}

impl Default for Plain {
    fn default() -> Self {
        Self { text: String::new(), convert: true }
    }
}

impl At {
    const ALL: &'static str = "all";

    /// A mention of everyone.
    pub fn all() -> Self {
        Self { qq: Self::ALL.to_owned(), name: String::new() }
    }

    /// Whether it mentions everyone.
    pub fn is_all(&self) -> bool {
        self.qq == Self::ALL
    }
}

impl Poke {
    /// Whom the nudge is for: the first of `id` and `qq` that names somebody.
    pub fn target(&self) -> Option<&str> {
        [&self.id, &self.qq].into_iter().map(String::as_str).find(|id| !matches!(*id, "" | "0"))
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_true(value: &bool) -> bool {
    *value
}
