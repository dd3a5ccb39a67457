//! The sentences, read once per language.

use std::borrow::Cow;
use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};

use super::language::Language;

type Bundle = FluentBundle<FluentResource>;

pub(super) const ENGLISH: &str = include_str!("../../messages/en.ftl");
pub(super) const CHINESE: &str = include_str!("../../messages/zh.ftl");

static ENGLISH_BUNDLE: LazyLock<Bundle> = LazyLock::new(|| bundle(Language::English, ENGLISH));
static CHINESE_BUNDLE: LazyLock<Bundle> = LazyLock::new(|| bundle(Language::Chinese, CHINESE));

/// A sentence. Its key stands in for one that is missing, which a test makes impossible.
pub(super) fn sentence(
    language: Language,
    key: &'static str,
    args: &FluentArgs<'_>,
) -> Cow<'static, str> {
    let bundle: &'static Bundle = match language {
        Language::English => &ENGLISH_BUNDLE,
        Language::Chinese => &CHINESE_BUNDLE,
    };
    match bundle.get_message(key).and_then(|message| message.value()) {
        Some(pattern) => {
            let mut errors = Vec::new();
            let text = bundle.format_pattern(pattern, Some(args), &mut errors);
            Cow::Owned(text.into_owned())
        }
        None => Cow::Borrowed(key),
    }
}

/// What of a file cannot be read is left out; a test reads both files strictly.
fn bundle(language: Language, source: &str) -> Bundle {
    let resource = match FluentResource::try_new(source.to_owned()) {
        Ok(resource) | Err((resource, _)) => resource,
    };
    let locale = language.tag().parse().unwrap_or_default();
    let mut bundle = Bundle::new_concurrent(vec![locale]);
    // The marks that keep right-to-left names apart would be visible in JSON and in terminals.
    bundle.set_use_isolating(false);
    bundle.add_resource_overriding(resource);
    bundle
}
