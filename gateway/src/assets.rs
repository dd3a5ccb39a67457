//! The one embedded page: what its files are, and how a browser may keep them.
//!
//! The files are part of the binary. A debug build reads them from the source folder at each
//! request, so that an edit shows after a reload.

use std::borrow::Cow;

use rust_embed::{EmbeddedFile, RustEmbed};
use sha2::{Digest, Sha256};

/// For what an update of the gateway changes under the same name: asked about at each load, and
/// the answer is almost always an empty 304.
const ASK_AGAIN: &str = "no-cache";

/// For what has its version in its address: never asked about again.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

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
    /// The value of `Cache-Control`.
    pub cache_control: &'static str,
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
///
/// The page names its files as `/assets/v-<version>/…`, where the version is that of all of them
/// together; they may then be kept for ever, and a second visit fetches the page alone. Imports
/// between scripts are relative and so stay within the version.
pub fn asset(path: &str) -> Option<Asset> {
    let (name, cache_control) = match path.trim_start_matches('/') {
        "" | "index.html" => return page(),
        "favicon.svg" | "favicon.ico" => ("favicon.svg", ASK_AGAIN),
        rest => unversioned(rest.strip_prefix("assets/")?),
    };
    let content_type = content_type(name)?;
    let EmbeddedFile { data, metadata } = Files::get(name)?;
    let etag = format!("\"{}\"", hex::encode(metadata.sha256_hash().get(..16)?));
    Some(Asset { bytes: data, content_type, etag, cache_control })
}

/// The page itself, with the version in the addresses of its files.
fn page() -> Option<Asset> {
    let EmbeddedFile { data, .. } = Files::get("index.html")?;
    let version = version();
    let page =
        String::from_utf8_lossy(&data).replace("\"/assets/", &format!("\"/assets/v-{version}/"));
    Some(Asset {
        bytes: Cow::Owned(page.into_bytes()),
        content_type: "text/html; charset=utf-8",
        etag: format!("\"{version}\""),
        cache_control: ASK_AGAIN,
    })
}

/// Takes the version out of a name. A page that was open during an update still asks with the
/// old one: it gets what there is now, but not for ever.
fn unversioned(name: &str) -> (&str, &'static str) {
    let Some((asked, rest)) = name.strip_prefix("v-").and_then(|name| name.split_once('/')) else {
        return (name, ASK_AGAIN);
    };
    (rest, if asked == version() { FOR_EVER } else { ASK_AGAIN })
}

/// One version for all files. In a release their hashes are constants, so this is cheap.
fn version() -> String {
    let mut all = Sha256::new();
    for file in Files::iter().filter_map(|name| Files::get(&name)) {
        all.update(file.metadata.sha256_hash());
    }
    let mut version = hex::encode(all.finalize());
    version.truncate(16);
    version
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
    fn a_versioned_file_is_kept_for_ever_and_any_other_is_asked_about() {
        let versioned = format!("/assets/v-{}/js/app.js", version());
        assert_eq!(asset(&versioned).unwrap().cache_control, FOR_EVER);
        assert_eq!(asset("/assets/v-0123456789abcdef/js/app.js").unwrap().cache_control, ASK_AGAIN);
        assert_eq!(asset("/assets/js/app.js").unwrap().cache_control, ASK_AGAIN);
        assert_eq!(asset("/").unwrap().cache_control, ASK_AGAIN);
        assert!(asset("/assets/v-/js/app.js").is_some());
        assert!(asset(&format!("/assets/v-{}/", version())).is_none());
    }

    #[test]
    fn every_script_and_style_is_named_at_the_start_and_no_file_that_is_not_there() {
        let page = text("/");
        assert!(!page.contains("\"/assets/js"), "an address without a version");
        let mut named = references(&page.replace(&format!("v-{}/", version()), ""));
        let later = text("/assets/js/app.js");
        let (_, later) = later.split_once("LATER = [").unwrap();
        let (later, _) = later.split_once(']').unwrap();
        named.extend(later.split('"').filter(|n| n.contains(".js")).map(|n| format!("js/{n}")));
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
