//! Stage 6, preparation: what the message refers to, for messages that woke the bot.

use firstlight_core::model::Component;

use super::passage::Passage;
use super::request::ATTACHMENT_SCHEME;

pub(super) fn run(passage: &mut Passage<'_>) {
    if !passage.is_webchat() {
        // An upload belongs to the web chat; a stranger's message may not name one.
        passage.event.message.chain.retain(|component| !names_an_upload(component));
    }
}

fn names_an_upload(component: &Component) -> bool {
    let url = match component {
        Component::Image(image) => &image.url,
        Component::Record(record) => &record.url,
        Component::Video(video) => &video.url,
        Component::File(file) => &file.url,
        _ => return false,
    };
    url.starts_with(ATTACHMENT_SCHEME)
}
