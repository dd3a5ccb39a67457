//! `firstlight plugin remove`, `enable` and `disable`.

use super::arguments::{OnePlugin, RemovePlugin};
use super::run::Installation;
use crate::exit::{Exit, Problem};
use crate::plugins_control::{Asked, Changed};
use crate::terminal;

/// Removes a plugin.
pub(super) async fn remove(here: &Installation, wanted: RemovePlugin) -> Result<Exit, Problem> {
    let RemovePlugin { name, settings, data, output } = wanted;
    let kept = match (settings, data) {
        (true, true) => "",
        (false, true) => " Its settings are kept.",
        (true, false) => " What it stored is kept.",
        (false, false) => " Its settings and what it stored are kept.",
    };
    let done: Changed = here.ask(Asked::Remove { name, settings, data }).await?;
    said(&done, &format!("{} is removed.{kept}", done.name), output.json)
}

/// Has a plugin loaded.
pub(super) async fn enable(here: &Installation, one: OnePlugin) -> Result<Exit, Problem> {
    let done: Changed = here.ask(Asked::Enable { name: one.name }).await?;
    let when = if done.in_force { "works now" } else { "is loaded by the next start" };
    said(&done, &format!("{} {when}.", done.name), one.output.json)
}

/// Has a plugin not loaded any more.
pub(super) async fn disable(here: &Installation, one: OnePlugin) -> Result<Exit, Problem> {
    let done: Changed = here.ask(Asked::Disable { name: one.name }).await?;
    said(&done, &format!("{} is disabled.", done.name), one.output.json)
}

fn said(done: &Changed, text: &str, json: bool) -> Result<Exit, Problem> {
    if json {
        terminal::json(done)?;
    } else {
        terminal::line(text)?;
    }
    Ok(Exit::Success)
}
