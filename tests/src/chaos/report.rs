//! The figures of runs, for people and for programs.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::run::Outcome;

const HEADER: [&str; 13] = [
    "run",
    "sent",
    "accepted",
    "answered",
    "by an excuse",
    "lost",
    "out of order",
    "repeated unmarked",
    "uncertain",
    "in flight",
    "usual recovery",
    "longest recovery",
    "took",
];

/// A table as a page of the documentation has it.
pub fn table(runs: &[(String, Outcome)]) -> String {
    let mut table = format!("| {} |\n|{}\n", HEADER.join(" | "), "---|".repeat(HEADER.len()));
    for (name, outcome) in runs {
        let figures = &outcome.figures;
        // Writing to a string cannot fail.
        let _ = writeln!(
            table,
            "| {name} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} ms | {} ms | {:.1} s |",
            figures.sent,
            figures.accepted,
            figures.answered,
            outcome.excused,
            figures.lost,
            figures.out_of_order,
            figures.repeated_unmarked,
            figures.uncertain,
            outcome.in_flight,
            outcome.usual_recovery_ms,
            figures.recover_ms,
            outcome.took.as_secs_f64(),
        );
    }
    table
}

/// The figures of one run, or of several under their names.
pub fn json(runs: &[(String, Outcome)]) -> Value {
    match runs {
        [(_, outcome)] => json!(outcome.figures),
        runs => {
            let named =
                |(name, outcome): &(String, Outcome)| (name.clone(), json!(outcome.figures));
            Value::Object(runs.iter().map(named).collect::<Map<_, _>>())
        }
    }
}
