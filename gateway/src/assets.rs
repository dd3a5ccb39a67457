//! The one embedded page: what its files are, and how a browser may keep them.
//!
//! The files are part of the binary. A debug build reads them from the source folder at each
//! request, so that an edit shows after a reload.

use std::borrow::Cow;

use rust_embed::{EmbeddedFile, RustEmbed};

/// What the page may do: load and call its own origin, show pictures it was given, nothing else.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; \
     style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; font-src 'self'; \
     form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Kept by the browser, but asked about at each load: an update of the gateway is an update of
/// the page, and the answer is almost always an empty 304.
pub const CACHE_CONTROL: &str = "no-cache";

#[derive(RustEmbed)]
#[folder = "assets/"]
struct Files;

/// One file of the page.
#[derive(Debug, Clone)]
pub struct Asset {
    /// The content.
    pub bytes: Cow<'static, [u8]>,
    /// The value of `Content-Type`, with the charset of texts.
    pub content_type: &'static str,
    /// The value of `ETag`, quotes included.
    pub etag: String,
}

impl Asset {
    /// Whether an `If-None-Match` value names this content.
    pub fn matches(&self, if_none_match: &str) -> bool {
        if_none_match
            .split(',')
            .map(str::trim)
            .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == self.etag)
    }
}

/// The file behind a URL path: `/`, `/favicon.svg`, `/assets/…`. Anything else is not part of the
/// page.
pub fn asset(path: &str) -> Option<Asset> {
    let name = match path.trim_start_matches('/') {
        "" | "index.html" => "index.html",
        "favicon.svg" | "favicon.ico" => "favicon.svg",
        rest => rest.strip_prefix("assets/")?,
    };
    let content_type = content_type(name)?;
    let EmbeddedFile { data, metadata } = Files::get(name)?;
    let etag = format!("\"{}\"", hex::encode(metadata.sha256_hash().get(..16)?));
    Some(Asset { bytes: data, content_type, etag })
}

/// Only the kinds of file the page is made of.
fn content_type(name: &str) -> Option<&'static str> {
    let (_, extension) = name.rsplit_once('.')?;
    Some(match extension {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    fn text(path: &str) -> String {
        String::from_utf8(asset(path).unwrap().bytes.into_owned()).unwrap()
    }

    fn names_ending(ending: &str) -> BTreeSet<String> {
        Files::iter().map(|name| name.to_string()).filter(|name| name.ends_with(ending)).collect()
    }

    /// The values of `attribute="/assets/…"` in a text.
    fn references(text: &str) -> BTreeSet<String> {
        text.split('"')
            .filter_map(|piece| piece.strip_prefix("/assets/"))
            .map(str::to_owned)
            .collect()
    }

    fn catalogue(language: &str) -> BTreeMap<String, String> {
        serde_json::from_str(&text(&format!("/assets/messages/{language}.json"))).unwrap()
    }

    #[test]
    fn the_root_is_the_page_and_says_what_it_is() {
        let page = asset("/").unwrap();
        assert_eq!(page.content_type, "text/html; charset=utf-8");
        assert!(page.bytes.starts_with(b"<!doctype html>"));
        assert_eq!(page.etag, asset("index.html").unwrap().etag);
    }

    #[test]
    fn a_path_outside_the_page_has_no_asset() {
        for path in ["/assets/", "/assets/js", "/assets/../Cargo.toml", "/index.htm", "/api/chat"] {
            assert!(asset(path).is_none(), "{path}");
        }
        assert!(asset("/assets/../../Cargo.toml").is_none());
        assert!(asset("/assets//etc/passwd").is_none());
    }

    #[test]
    fn every_file_has_a_type_and_a_tag_of_its_own() {
        let mut tags = BTreeSet::new();
        for name in Files::iter() {
            let file = asset(&format!("/assets/{name}")).unwrap_or_else(|| panic!("{name}"));
            assert!(file.etag.starts_with('"') && file.etag.ends_with('"'), "{}", file.etag);
            assert!(tags.insert(file.etag), "{name} has the content of another file");
        }
    }

    #[test]
    fn a_tag_is_recognised_among_others_and_when_it_is_weak() {
        let file = asset("/favicon.svg").unwrap();
        assert!(file.matches(&file.etag));
        assert!(file.matches(&format!("\"other\", W/{}", file.etag)));
        assert!(file.matches("*"));
        assert!(!file.matches("\"other\""));
    }

    #[test]
    fn the_page_names_every_script_and_style_and_no_file_that_is_not_there() {
        let named = references(&text("/"));
        let mut there = names_ending(".js");
        there.extend(names_ending(".css"));
        assert_eq!(named, there);
    }

    #[test]
    fn imports_of_the_scripts_lead_to_files() {
        let scripts = names_ending(".js");
        for name in &scripts {
            let source = text(&format!("/assets/{name}"));
            for line in source.lines().filter(|line| line.starts_with("import ")) {
                let target = line.split('"').nth(1).unwrap().trim_start_matches("./");
                assert!(scripts.contains(&format!("js/{target}")), "{name}: {target}");
            }
            assert!(source.starts_with("// @ts-check"), "{name}");
            assert!(source.lines().count() < 300, "{name} is too long");
        }
    }

    #[test]
    fn nothing_in_the_page_leads_to_another_host_or_runs_from_markup() {
        let page = text("/");
        for forbidden in ["http://", "https://", "style=", "onclick", "onload", "<style"] {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
        for name in names_ending(".js") {
            let source = text(&format!("/assets/{name}"));
            for forbidden in
                ["innerHTML", "outerHTML", "insertAdjacentHTML", "eval(", "new Function"]
            {
                assert!(!source.contains(forbidden), "{name}: {forbidden}");
            }
        }
        for name in names_ending(".css") {
            assert!(!text(&format!("/assets/{name}")).contains("url("), "{name}");
        }
    }

    #[test]
    fn both_catalogues_have_the_same_keys_and_the_same_places_to_fill() {
        let (english, chinese) = (catalogue("en"), catalogue("zh"));
        assert!(english.keys().eq(chinese.keys()));
        let places = |text: &str| -> BTreeSet<String> {
            text.split('{')
                .skip(1)
                .filter_map(|piece| piece.split_once('}'))
                .map(|(name, _)| name.to_owned())
                .filter(|name| name.chars().all(char::is_alphanumeric))
                .collect()
        };
        for (key, text) in &english {
            assert!(!text.is_empty(), "{key}");
            assert_eq!(places(text), places(chinese.get(key).unwrap()), "{key}");
        }
    }

    #[test]
    fn every_text_that_the_scripts_ask_for_is_in_the_catalogue() {
        let english = catalogue("en");
        for name in names_ending(".js") {
            let source = text(&format!("/assets/{name}"));
            // Keys that are put together at run time end in a dot, or in a quote of another kind.
            for key in source.split("t(\"").skip(1).filter_map(|rest| rest.split('"').next()) {
                let asked = key.contains('.') && !key.contains(['/', ' ']);
                assert!(!asked || english.contains_key(key), "{name}: {key}");
            }
        }
    }
}
