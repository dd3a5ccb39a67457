//! Prints one of the documents that are made from the route table: `openapi`, `http` or `errors`.

use std::io::{self, Write as _};
use std::process::ExitCode;

use firstlight_gateway::http::{docs, openapi};
use firstlight_gateway::routes::TABLE;

fn main() -> ExitCode {
    let text = match std::env::args().nth(1).as_deref() {
        Some("openapi") => format!("{:#}\n", openapi::document(&TABLE)),
        Some("http") => docs::http(&TABLE),
        Some("errors") => docs::errors(),
        _ => {
            let _ = writeln!(io::stderr(), "usage: generate-docs openapi|http|errors");
            return ExitCode::from(64);
        }
    };
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
