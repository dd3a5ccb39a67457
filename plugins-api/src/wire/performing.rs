//! The plugin's end: a call from the line is made of the plugin.

use serde::Serialize;

use super::{
    API_VERSION, Changed, Declarations, Description, GuestCall, SettingsAnswer, WireError,
};
use crate::{Plugin, PluginError, SettingsTaken};

/// Who this plugin says it is.
pub fn describe<P: Plugin>() -> Description {
    let manifest = P::manifest();
    Description {
        api: API_VERSION.to_owned(),
        name: manifest.name,
        version: manifest.version.to_string(),
        settings_schema: P::settings_schema(),
    }
}

impl Declarations {
    /// What this plugin takes and offers now.
    pub fn of<P: Plugin>(plugin: &P) -> Self {
        Self {
            handlers: plugin.handlers(),
            hooks: plugin.hooks(),
            routes: plugin.routes(),
            tools: plugin.tools(),
        }
    }
}

/// Makes a call of a plugin that is loaded and answers JSON text.
pub async fn perform<P: Plugin>(plugin: &P, call: GuestCall) -> Result<String, WireError> {
    match call {
        GuestCall::Describe => json(&describe::<P>()),
        GuestCall::Load(_) => Err(PluginError::Failed("it is loaded already".into()).into()),
        GuestCall::Loaded => json(&plugin.loaded().await?),
        GuestCall::Unload => json(&plugin.unload().await?),
        GuestCall::SettingsChanged { settings } => {
            let taken = plugin.settings_changed(settings).await? == SettingsTaken::Taken;
            json(&SettingsAnswer { taken, declarations: Declarations::of(plugin) })
        }
        GuestCall::Handle(call) => json(&plugin.handle(*call).await?),
        GuestCall::Predicate { name, event } => json(&plugin.predicate(&name, &event)),
        GuestCall::Answered(answered) => json(&plugin.answered(*answered).await?),
        GuestCall::Unanswered(unanswered) => json(&plugin.unanswered(unanswered).await?),
        GuestCall::Timer(timer) => json(&plugin.timer(timer).await?),
        GuestCall::PlatformsLoaded => json(&plugin.platforms_loaded().await?),
        GuestCall::PluginLoaded { manifest } => json(&plugin.plugin_loaded(&manifest).await?),
        GuestCall::PluginUnloaded { manifest } => json(&plugin.plugin_unloaded(&manifest).await?),
        GuestCall::PluginError { event, failure } => {
            json(&plugin.plugin_error(&event, &failure).await?)
        }
        GuestCall::WaitingForModel { event } => json(&plugin.waiting_for_model(&event).await?),
        GuestCall::ModelRequest { event, mut value } => {
            let reply = plugin.model_request(&event, &mut value).await?;
            json(&Changed { reply, value })
        }
        GuestCall::ModelResponse { event, mut value } => {
            let reply = plugin.model_response(&event, &mut value).await?;
            json(&Changed { reply, value })
        }
        GuestCall::Decorating { event, mut value } => {
            let reply = plugin.decorating(&event, &mut value).await?;
            json(&Changed { reply, value })
        }
        GuestCall::AfterSent { event } => json(&plugin.after_sent(&event).await?),
        GuestCall::Web(request) => json(&plugin.web(*request).await?),
        GuestCall::CallTool { name, arguments } => json(&plugin.call_tool(&name, arguments).await?),
    }
}

fn json<T: Serialize>(value: &T) -> Result<String, WireError> {
    serde_json::to_string(value).map_err(|error| WireError::new("failed", error))
}
