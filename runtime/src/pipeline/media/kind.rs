//! What a fetched file is: its own first bytes count for more than what its host says.

/// How many first bytes are enough to tell.
pub(super) const HEAD: usize = 16;

/// What a message refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Media {
    /// A picture, which a model may be shown.
    Picture,
    /// A voice message.
    Voice,
}

impl Media {
    /// Its MIME type; `None` for a picture that is none: what is stored as one is shown as one.
    pub(super) fn mime(self, head: &[u8], told: &str) -> Option<&'static str> {
        match self {
            Self::Picture => picture(head),
            Self::Voice => Some(voice(head, told)),
        }
    }

    /// The name it is stored under: a stranger's name for it would be one more thing to mistrust.
    pub(super) fn filename(self) -> &'static str {
        match self {
            Self::Picture => "picture",
            Self::Voice => "voice",
        }
    }
}

fn picture(head: &[u8]) -> Option<&'static str> {
    match head {
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        [b'B', b'M', ..] => Some("image/bmp"),
        _ => None,
    }
}

fn voice(head: &[u8], told: &str) -> &'static str {
    match head {
        [b'R', b'I', b'F', b'F', ..] => "audio/wav",
        [b'I', b'D', b'3', ..] | [0xff, 0xe0..=0xff, ..] => "audio/mpeg",
        [b'O', b'g', b'g', b'S', ..] => "audio/ogg",
        [b'#', b'!', b'A', b'M', b'R', ..] => "audio/amr",
        [0x02, b'#', b'!', b'S', ..] | [b'#', b'!', b'S', b'I', ..] => "audio/silk",
        _ if told.starts_with("audio/mp4") => "audio/mp4",
        _ => "audio/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_is_called_a_picture_is_none() {
        assert_eq!(Media::Picture.mime(b"<html><script>", "image/png"), None);
        assert_eq!(Media::Picture.mime(b"\x89PNG\r\n\x1a\n", "text/html"), Some("image/png"));
        let webp = b"RIFF\0\0\0\0WEBPVP8 ";
        assert_eq!(Media::Picture.mime(webp, ""), Some("image/webp"));
        assert_eq!(Media::Voice.mime(b"#!AMR\n", "text/html"), Some("audio/amr"));
    }
}
