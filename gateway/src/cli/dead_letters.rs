//! `firstlight dead-letters`: what was put aside, listed, shown, replayed, confirmed, dropped.

use std::io::{self, Read as _};

use firstlight_core::bus::{Bus, BusSettings, LetterFilter, Queue};
use firstlight_core::db::Database;
use firstlight_core::settings::Settings;
use serde_json::Value;

use super::arguments::{DeadLettersCommand, LetterFilterArguments, Output};
use super::holder::{self, Holder};
use crate::control::Request;
use crate::core_phase::DEAD_LETTERS;
use crate::dead_letters::{self, Asked, List, Purged};
use crate::exit::{Exit, Problem};
use crate::{problems, terminal};

/// Who the log names when a command did it.
pub(crate) const BY: &str = "the command line";

/// Does it, in the data folder or through the gateway that holds it.
pub(super) async fn run(settings: Settings, command: DeadLettersCommand) -> Result<Exit, Problem> {
    let (asked, output) = asked(command)?;
    let request = Request::DeadLetters { asked: asked.clone() };
    let answer = match holder::ask(&settings, DEAD_LETTERS, &request).await? {
        Holder::Gateway(answer) => answer,
        Holder::Us(_lock) => alone(&settings, asked.clone()).await?,
    };
    if output.json {
        terminal::json(&answer)?;
    } else {
        show(&asked, answer)?;
    }
    Ok(Exit::Success)
}

async fn alone(settings: &Settings, asked: Asked) -> Result<Value, Problem> {
    let path = settings.database_path();
    let database = Database::open(&path).await.map_err(|error| problems::database(&error))?;
    let bus = Bus::new(database.clone(), BusSettings::from(&settings.bus));
    let outcome = dead_letters::obey(&bus, asked, BY).await;
    database.close().await;
    outcome.map_err(|error| problems::dead_letters(&error))
}

fn asked(command: DeadLettersCommand) -> Result<(Asked, Output), Problem> {
    Ok(match command {
        DeadLettersCommand::List(list) => {
            let filter = filter(list.filter);
            (Asked::List { filter, page: list.page, page_size: list.page_size }, list.output)
        }
        DeadLettersCommand::Show(one) => {
            (Asked::Show { queue: one.queue.into(), id: one.id }, one.output)
        }
        DeadLettersCommand::Replay(replay) => {
            let payload = if replay.payload_stdin { Some(read_payload()?) } else { None };
            let one = replay.letter;
            (Asked::Replay { queue: one.queue.into(), id: one.id, payload }, one.output)
        }
        DeadLettersCommand::Confirm(confirm) => (Asked::Confirm { id: confirm.id }, confirm.output),
        DeadLettersCommand::Drop(one) => {
            (Asked::Drop { queue: one.queue.into(), id: one.id }, one.output)
        }
        DeadLettersCommand::Purge(purge) => {
            let older_than_seconds = purge.older_than.duration().as_secs();
            (Asked::Purge { filter: filter(purge.filter), older_than_seconds }, purge.output)
        }
    })
}

fn filter(given: LetterFilterArguments) -> LetterFilter {
    LetterFilter {
        queue: given.queue.map(Queue::from),
        state: given.state.map(Into::into),
        platform_id: given.platform,
        reason: given.reason.map(Into::into),
    }
}

fn read_payload() -> Result<Value, Problem> {
    let unreadable = |error: &dyn std::error::Error| {
        let advice = "send what `show` printed as payload, edited";
        Problem::new(Exit::Usage, format!("the content could not be read ({error})"), advice)
    };
    let mut text = String::new();
    io::stdin().lock().read_to_string(&mut text).map_err(|error| unreadable(&error))?;
    serde_json::from_str(&text).map_err(|error| unreadable(&error))
}

fn show(asked: &Asked, answer: Value) -> Result<(), Problem> {
    let unread = |error: serde_json::Error| {
        let advice = "use the command of the same version as the gateway";
        Problem::caused(Exit::Usage, "the answer was not understood", &error, advice)
    };
    match asked {
        Asked::List { .. } => {
            let list: List = serde_json::from_value(answer).map_err(unread)?;
            for letter in &list.letters {
                let reason = letter.reason.map_or("-", |reason| reason.as_str());
                let since = letter.put_aside_at.as_deref().unwrap_or(&letter.created_at);
                let excerpt = letter.excerpt.escape_debug();
                terminal::line(format!(
                    "{} {}  {reason}  {since}  {}  {excerpt}",
                    letter.queue, letter.id, letter.session
                ))?;
            }
            let shown = list.letters.len();
            terminal::line(format!("{shown} of {} (page {})", list.total, list.page))
        }
        Asked::Show { .. } => terminal::json(&answer),
        Asked::Replay { queue, id, .. } => {
            terminal::line(format!("{queue} {id} is on its way again."))
        }
        Asked::Confirm { id } => terminal::line(format!("outbox {id} counts as sent.")),
        Asked::Drop { queue, id } => terminal::line(format!("{queue} {id} is dropped.")),
        Asked::Purge { .. } => {
            let Purged { purged } = serde_json::from_value(answer).map_err(unread)?;
            terminal::line(format!("{purged} dropped."))
        }
    }
}
