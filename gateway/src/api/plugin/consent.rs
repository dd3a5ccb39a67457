//! What the operator must agree to before a package is installed: that it is made for another
//! version, and what it asks to be allowed. Nothing is granted unless somebody says so.

use firstlight_runtime::plugins::packages::Staged;
use firstlight_runtime::plugins::{Compatibility, VersionCheck, compatibility};
use firstlight_runtime::plugins_api::{Capabilities, Capability};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::shapes::{lane_name, limits};
use crate::http::{ApiError, Code, Message};

/// What the operator said before.
pub(super) struct Consent {
    /// Whether the versions that the package says count.
    pub(super) version_check: VersionCheck,
    /// What is granted; `None`: nothing was said about it.
    pub(super) grants: Option<Grants>,
}

/// What the operator grants.
#[derive(Debug, PartialEq)]
pub(super) enum Grants {
    /// All that is asked for.
    All,
    /// This much of it.
    These(Capabilities),
}

/// What the operator must agree to first.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "PluginWarning")]
pub enum Warning {
    /// The versions that the package says.
    Version(VersionWarning),
    /// What it asks for.
    Capabilities(Box<CapabilityWarning>),
}

/// The package is made for other versions.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PluginVersionWarning")]
pub struct VersionWarning {
    /// `astrbot_version_incompatible`
    warning_type: String,
    can_ignore: bool,
    name: String,
    version: String,
    /// The range that the package says.
    astrbot_version: String,
}

/// The package asks to be allowed things. Send `grants` to install it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PluginCapabilityWarning")]
pub struct CapabilityWarning {
    /// `plugin_capabilities`
    warning_type: String,
    can_ignore: bool,
    name: String,
    version: String,
    /// `component` or `process`.
    lane: String,
    /// What it asks for, as in its `plugin.toml`.
    #[schemars(with = "Value")]
    capabilities: Capabilities,
    /// What each of them means.
    about: Vec<AboutCapability>,
    /// What its lane cannot keep it from, whatever it is granted.
    limits: Vec<String>,
}

/// What a capability means.
#[derive(Serialize, JsonSchema)]
pub struct AboutCapability {
    capability: String,
    text: String,
}

impl Grants {
    /// Reads what was sent: an object as in `plugin.toml`, or `"all"`.
    pub(super) fn read(sent: Option<Value>) -> Result<Option<Self>, ApiError> {
        let refused = |reason: String| {
            let text = format!("grants is an object as in plugin.toml, or \"all\": {reason}.");
            ApiError::with(Code::Invalid, text)
        };
        match sent {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(word)) if word == "all" => Ok(Some(Self::All)),
            Some(object @ Value::Object(_)) => match serde_json::from_value(object) {
                Ok(these) => Ok(Some(Self::These(these))),
                Err(error) => Err(refused(error.to_string())),
            },
            Some(_) => Err(refused("it is neither".to_owned())),
        }
    }

    /// What is granted of that which is asked for.
    pub(super) fn of(&self, asked: &Capabilities) -> Capabilities {
        match self {
            Self::All => asked.clone(),
            Self::These(these) => these.within(asked),
        }
    }
}

impl Consent {
    /// What is still to be agreed to; the version goes first. `held` is what the plugin is allowed
    /// already.
    pub(super) fn missing(
        &self,
        staged: &Staged,
        held: &Capabilities,
    ) -> Option<(Warning, Message)> {
        let manifest = staged.manifest();
        let range = manifest.firstlight.as_ref().map(ToString::to_string).unwrap_or_default();
        let Compatibility { compatible, message } = compatibility(&range);
        let (name, version) = (manifest.name.clone(), manifest.version.to_string());
        if !compatible && self.version_check == VersionCheck::Required {
            let warning = VersionWarning {
                warning_type: "astrbot_version_incompatible".to_owned(),
                can_ignore: true,
                name,
                version,
                astrbot_version: range,
            };
            let said = Message::PluginForOtherVersions { reason: message };
            return Some((Warning::Version(warning), said));
        }
        let asked = &manifest.capabilities;
        if self.grants.is_some() || asked.without(held).held().is_empty() {
            return None;
        }
        let about = asked.held().into_iter().map(|capability| AboutCapability {
            capability: capability.name().to_owned(),
            text: capability.about().to_owned(),
        });
        let lane = manifest.lane_kind();
        let warning = CapabilityWarning {
            warning_type: "plugin_capabilities".to_owned(),
            can_ignore: true,
            name: name.clone(),
            version,
            lane: lane_name(Some(lane)).to_owned(),
            capabilities: asked.clone(),
            about: about.collect(),
            limits: limits(lane),
        };
        let said = Message::PluginAsks { plugin: name, capabilities: words(asked) };
        Some((Warning::Capabilities(Box::new(warning)), said))
    }
}

/// The names of capabilities, for a sentence.
pub(super) fn words(capabilities: &Capabilities) -> String {
    let names = capabilities.held().into_iter().map(Capability::name);
    names.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn grants_are_an_object_or_the_word_all_and_never_more_than_is_asked_for() {
        let asked: Capabilities = serde_json::from_value(json!({ "kv": true })).unwrap();
        assert_eq!(Grants::read(None).unwrap(), None);
        assert_eq!(Grants::read(Some(json!(null))).unwrap(), None);
        assert_eq!(Grants::read(Some(json!("all"))).unwrap().unwrap().of(&asked), asked);
        let these = Grants::read(Some(json!({ "kv": true, "send": true }))).unwrap().unwrap();
        assert_eq!(these.of(&asked), asked);
        let none = Grants::read(Some(json!({}))).unwrap().unwrap();
        assert_eq!(none.of(&asked), Capabilities::default());
        for wrong in [json!("some"), json!(true), json!([]), json!({ "root": true })] {
            assert_eq!(Grants::read(Some(wrong)).unwrap_err().code(), Code::Invalid);
        }
    }
}
