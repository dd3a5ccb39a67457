//! `firstlight plugin logs`.

use super::arguments::OnePlugin;
use super::run::Installation;
use crate::exit::{Exit, Problem};
use crate::plugins_control::{Asked, Log};
use crate::terminal;

/// Prints the last lines of a plugin's log, the newest last.
pub(super) async fn run(here: &Installation, one: OnePlugin) -> Result<Exit, Problem> {
    let asked = Asked::Logs { name: one.name };
    let (log, by_gateway): (Log, bool) = here.answer(asked).await?;
    if !by_gateway {
        let advice = "start it; what plugins wrote before is in the log of the gateway";
        let what = "no gateway runs, and these lines are kept by one that does";
        return Err(Problem::new(Exit::Unreachable, what, advice));
    }
    if one.output.json {
        terminal::json(&log)?;
        return Ok(Exit::Success);
    }
    for line in &log.lines {
        terminal::line(line)?;
    }
    if log.dropped > 0 {
        terminal::complain(format!("{} lines came too fast and were dropped", log.dropped));
    }
    Ok(Exit::Success)
}
