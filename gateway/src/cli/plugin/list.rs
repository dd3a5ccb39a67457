//! `firstlight plugin list`.

use super::run::Installation;
use crate::exit::{Exit, Problem};
use crate::plugins_control::{Asked, Listed, State};
use crate::terminal;

/// Prints the plugins, one on each line.
pub(super) async fn run(here: &Installation, json: bool) -> Result<Exit, Problem> {
    let all: Vec<Listed> = here.ask(Asked::List).await?;
    if json {
        terminal::json(&all)?;
        return Ok(Exit::Success);
    }
    for plugin in &all {
        terminal::line(line(plugin))?;
    }
    Ok(Exit::Success)
}

fn line(plugin: &Listed) -> String {
    let state = match plugin.state {
        State::Loaded => "loaded",
        State::Resting => "RESTING",
        State::Failed => "FAILED",
        State::Disabled => "disabled",
        State::Idle => "not running",
    };
    let mut text = format!(
        "{}  {}  {}  {state}  {}",
        plugin.name,
        plugin.version,
        plugin.lane,
        plugin.description.lines().next().unwrap_or_default()
    );
    if !plugin.not_granted.is_empty() {
        text.push_str("\n    not granted: ");
        text.push_str(&plugin.not_granted.join(", "));
    }
    for more in plugin.reason.iter().chain(&plugin.hint) {
        text.push_str("\n    ");
        text.push_str(more);
    }
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_plugin_is_listed_with_its_reason_and_what_to_do() {
        let plugin = Listed {
            name: "dice".into(),
            version: "1.0.0".into(),
            description: "Rolls dice.\nMany.".into(),
            lane: "component".into(),
            state: State::Failed,
            reason: Some("it is broken".into()),
            hint: Some("Update it.".into()),
            granted: vec![],
            not_granted: vec!["kv".into(), "send".into()],
        };
        assert_eq!(
            line(&plugin),
            "dice  1.0.0  component  FAILED  Rolls dice.\n    not granted: kv, send\n    it is \
             broken\n    Update it."
        );
    }
}
