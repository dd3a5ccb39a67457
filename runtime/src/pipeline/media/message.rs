//! Which files of a message are fetched, and what becomes of each reference.
//!
//! What a stranger wrote that would mean something here (a local path above all, reference 7.1 S10)
//! is forgotten first, and nothing ever opens it. Afterwards a picture or voice of a message for the
//! bot either is an attachment or has no content.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use firstlight_core::db::{Attachment, Attachments};
use firstlight_core::model::{Component, MessageEvent};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt};

use super::fetch::{LARGEST, MediaError, MediaFetcher, keep};
use super::kind::Media;
use crate::pipeline::ATTACHMENT_SCHEME;
use crate::platforms::{Adapter, Origin};

/// How many files of one message are fetched at most.
const MOST: usize = 20;
/// How many of them at the same time.
const AT_ONCE: usize = 4;

/// Fetches the pictures and voices of a message, those of what it quotes and forwards too.
pub(in crate::pipeline) async fn fetch_all(
    event: &mut MessageEvent,
    fetcher: &MediaFetcher,
    named_hosts: &[String],
    attachments: &Attachments,
    adapter: Option<&dyn Adapter>,
) {
    let mut found = Vec::new();
    let mut chain = std::mem::take(&mut event.message.chain);
    collect(&mut chain, &mut found);
    let source = Source { fetcher, named_hosts, attachments, adapter, origin: Origin::of(event) };
    let downloads: Vec<BoxFuture<'_, ()>> = found
        .into_iter()
        .enumerate()
        .map(|(index, component)| source.replace(index, component).boxed())
        .collect();
    futures_util::stream::iter(downloads).buffer_unordered(AT_ONCE).collect::<()>().await;
    event.message.chain = chain;
}

/// Forgets every reference of a stranger's message that this machine or the web chat would
/// understand: local paths, and uploads of somebody else.
pub(in crate::pipeline) fn disarm(chain: &mut [Component]) {
    for component in chain {
        match component {
            Component::Image(image) => {
                image.path.clear();
                [&mut image.file, &mut image.url].into_iter().for_each(forget_local);
            }
            Component::Record(record) => {
                record.path = None;
                [&mut record.file, &mut record.url].into_iter().for_each(forget_local);
            }
            Component::Video(video) => {
                video.path.clear();
                [&mut video.file, &mut video.url, &mut video.cover]
                    .into_iter()
                    .for_each(forget_local);
            }
            Component::File(file) => {
                [&mut file.file, &mut file.url].into_iter().for_each(forget_local);
            }
            Component::Reply(reply) => disarm(&mut reply.chain),
            Component::Node(node) => disarm(&mut node.content),
            Component::Nodes(nodes) => disarm(&mut nodes.messages),
            _ => {}
        }
    }
}

fn collect<'c>(chain: &'c mut [Component], found: &mut Vec<&'c mut Component>) {
    for component in chain {
        match component {
            Component::Image(_) | Component::Record(_) => found.push(component),
            Component::Reply(reply) => collect(&mut reply.chain, found),
            Component::Node(node) => collect(&mut node.content, found),
            Component::Nodes(nodes) => collect(&mut nodes.messages, found),
            _ => {}
        }
    }
}

/// Names of the platform's own and web addresses stay.
fn forget_local(reference: &mut String) {
    let local = ["file:", "/", "\\", ATTACHMENT_SCHEME];
    let drive = reference.chars().nth(1) == Some(':');
    if drive || local.iter().any(|start| reference.starts_with(start)) {
        reference.clear();
    }
}

/// Where the bytes of a reference come from.
struct Source<'a> {
    fetcher: &'a MediaFetcher,
    named_hosts: &'a [String],
    attachments: &'a Attachments,
    adapter: Option<&'a dyn Adapter>,
    origin: Origin<'a>,
}

impl Source<'_> {
    async fn replace(&self, index: usize, component: &mut Component) {
        let kept = if index < MOST { self.kept(component).await } else { None };
        put(component, kept);
    }

    async fn kept(&self, component: &Component) -> Option<Attachment> {
        match self.fetched(component).await {
            Ok(kept) => kept,
            Err(error) => {
                let session = self.origin.session.to_string();
                tracing::info!(session, %error, "a file of a message was not fetched");
                None
            }
        }
    }

    async fn fetched(&self, component: &Component) -> Result<Option<Attachment>, MediaError> {
        let Some((media, references)) = references(component) else { return Ok(None) };
        for reference in references {
            if let Some(bytes) = inline(reference)? {
                return keep(&bytes, media, self.attachments).await.map(Some);
            }
            if is_web(reference) {
                return self.get(reference, media).await.map(Some);
            }
        }
        // The platform may know where it is, by a name of its own.
        let Some(adapter) = self.adapter else { return Ok(None) };
        match adapter.media_address(self.origin, component).await {
            Ok(address) => self.get(&address, media).await.map(Some),
            Err(error) => {
                tracing::debug!(%error, "the platform does not say where a file is");
                Ok(None)
            }
        }
    }

    async fn get(&self, address: &str, media: Media) -> Result<Attachment, MediaError> {
        self.fetcher.fetch(address, media, self.named_hosts, self.attachments).await
    }
}

fn references(component: &Component) -> Option<(Media, [&str; 2])> {
    match component {
        Component::Image(image) => Some((Media::Picture, [&image.url, &image.file])),
        Component::Record(record) => Some((Media::Voice, [&record.url, &record.file])),
        _ => None,
    }
}

fn is_web(reference: &str) -> bool {
    reference.starts_with("http://") || reference.starts_with("https://")
}

/// The bytes of a reference that holds them itself.
fn inline(reference: &str) -> Result<Option<Vec<u8>>, MediaError> {
    let data = || reference.strip_prefix("data:")?.split_once(";base64,").map(|(_, text)| text);
    let Some(text) = reference.strip_prefix("base64://").or_else(data) else { return Ok(None) };
    if text.len() as u64 / 4 * 3 > LARGEST {
        return Err(MediaError::TooLarge);
    }
    STANDARD.decode(text.trim()).map(Some).map_err(|_| MediaError::Encoding)
}

/// Puts the attachment in the place of whatever was there.
fn put(component: &mut Component, kept: Option<Attachment>) {
    let url = kept.map(|kept| format!("{ATTACHMENT_SCHEME}{}", kept.attachment_id));
    let url = url.unwrap_or_default();
    match component {
        Component::Image(image) => {
            (image.url, image.file, image.path) = (url, String::new(), String::new());
        }
        Component::Record(record) => {
            (record.url, record.file, record.path) = (url, String::new(), None);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use firstlight_core::model::{File, Image, Reply};

    use super::*;

    #[test]
    fn s10_no_reference_to_a_local_file_is_left_in_a_message() {
        for local in ["file:///etc/passwd", "/etc/passwd", "C:\\secret", "\\\\host\\share"] {
            let mut reference = local.to_owned();
            forget_local(&mut reference);
            assert_eq!(reference, "", "{local}");
        }
        let image = Component::Image(Image {
            file: "file:///etc/passwd".into(),
            url: "attachment:of-somebody-else".into(),
            path: "/etc/passwd".into(),
            ..Image::default()
        });
        let file = File { name: "a".into(), file: "/etc/passwd".into(), ..File::default() };
        let file = File { url: "https://example.org/a".into(), ..file };
        let quote = Reply { chain: vec![image.clone()], ..Reply::default() };
        let mut chain = vec![image, Component::File(file), Component::Reply(quote)];
        disarm(&mut chain);
        let nothing = Component::Image(Image::default());
        assert_eq!(chain[0], nothing);
        let Component::File(file) = &chain[1] else { panic!("a file") };
        assert_eq!((file.file.as_str(), file.url.as_str()), ("", "https://example.org/a"));
        let Component::Reply(quote) = &chain[2] else { panic!("a quote") };
        assert_eq!(quote.chain, [nothing]);
    }

    #[test]
    fn bytes_in_a_message_are_decoded_up_to_a_size() {
        assert_eq!(inline("base64://aGk=").unwrap().unwrap(), b"hi");
        assert_eq!(inline("data:image/png;base64,aGk=").unwrap().unwrap(), b"hi");
        assert!(inline("https://example.org").unwrap().is_none());
        assert!(matches!(inline("base64://***"), Err(MediaError::Encoding)));
        let large = format!("base64://{}", "A".repeat(28 << 20));
        assert!(matches!(inline(&large), Err(MediaError::TooLarge)));
    }
}
