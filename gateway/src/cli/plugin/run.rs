//! From the arguments to the command, and who does it: the running gateway, or this process alone.

use std::sync::Arc;

use firstlight_core::settings::Settings;
use firstlight_runtime::Plan;
use firstlight_runtime::plugins::Registration;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::arguments::PluginCommand;
use super::{build, change, compile, doctor, install, list, logs, new, test};
use crate::cli::holder::{self, Holder};
use crate::control::Request;
use crate::core_phase::{self, PLUGIN};
use crate::exit::{Exit, Problem};
use crate::gateway::compiler;
use crate::plugins_control::{self, Asked, Place};
use crate::problems;

/// Where the installed plugins are, and who can change them.
pub(super) struct Installation {
    settings: Settings,
    registrations: Vec<Registration>,
}

/// Does a command. The settings are read by those only that need them: an author may have none.
pub(in crate::cli) async fn run(
    command: PluginCommand,
    registrations: Vec<Registration>,
    settings: impl FnOnce() -> Result<Settings, Problem>,
) -> Result<Exit, Problem> {
    let here = || Ok(Installation { settings: settings()?, registrations });
    match command {
        PluginCommand::New(wanted) => new::run(&wanted),
        PluginCommand::Build(one) => build::run(&one.folder),
        PluginCommand::Test(one) => test::run(&one.folder),
        PluginCommand::Compile { from, to } => compile::run(&from, &to),
        PluginCommand::List(output) => list::run(&here()?, output.json).await,
        PluginCommand::Install(wanted) => install::run(&here()?, wanted).await,
        PluginCommand::Remove(wanted) => change::remove(&here()?, wanted).await,
        PluginCommand::Enable(one) => change::enable(&here()?, one).await,
        PluginCommand::Disable(one) => change::disable(&here()?, one).await,
        PluginCommand::Logs(one) => logs::run(&here()?, one).await,
        PluginCommand::Doctor(output) => doctor::run(&here()?, output.json).await,
    }
}

impl Installation {
    /// Asks the gateway that runs on the data folder, or does it alone.
    pub(super) async fn ask<T: DeserializeOwned>(&self, asked: Asked) -> Result<T, Problem> {
        self.answer(asked).await.map(|(answer, _)| answer)
    }

    /// The same with whether a running gateway answered.
    pub(super) async fn answer<T: DeserializeOwned>(
        &self,
        asked: Asked,
    ) -> Result<(T, bool), Problem> {
        let request = Request::Plugins { asked: asked.clone() };
        let (answer, by_gateway) = match holder::ask(&self.settings, PLUGIN, &request).await? {
            Holder::Gateway(answer) => (answer, true),
            Holder::Us(_lock) => (self.alone(asked).await?, false),
        };
        let answer = serde_json::from_value(answer).map_err(|error| {
            let advice = "use the command of the same version as the gateway";
            Problem::caused(Exit::Usage, "the answer was not understood", &error, advice)
        })?;
        Ok((answer, by_gateway))
    }

    async fn alone(&self, asked: Asked) -> Result<Value, Problem> {
        let foundation = core_phase::foundation(&Arc::new(self.settings.clone())).await?;
        let plan = Plan::open(foundation.clone(), self.registrations.clone(), compiler()).await;
        let done = match plan {
            Ok(plan) => {
                let (plugins, config) = (plan.plugins().clone(), foundation.config.clone());
                let place = Place { plugins, config, runtime: None };
                plugins_control::obey(place, asked).await
            }
            Err(error) => Err(problems::database(&error)),
        };
        foundation.config.close().await;
        foundation.database.close().await;
        done
    }
}
