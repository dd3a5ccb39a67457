//! Printing. A closed pipe (`firstlight config show | head`) is the reader's choice, not an error.

use std::io::{self, Write};

use serde::Serialize;

use crate::exit::{Exit, Problem};

/// Prints a line to standard output.
pub(crate) fn line(text: impl AsRef<str>) -> Result<(), Problem> {
    write(&mut io::stdout().lock(), text.as_ref(), "\n")
}

/// Prints a part of a line to standard output, at once.
pub(crate) fn part(text: impl AsRef<str>) -> Result<(), Problem> {
    write(&mut io::stdout().lock(), text.as_ref(), "")
}

/// Prints a value as one JSON document.
pub(crate) fn json<T: Serialize>(value: &T) -> Result<(), Problem> {
    let text = serde_json::to_string_pretty(value).map_err(|error| {
        Problem::caused(
            Exit::Internal,
            "the answer could not be written as JSON",
            &error,
            "report it",
        )
    })?;
    line(text)
}

/// Prints a line to standard error. There is nowhere left to report a failure to.
pub(crate) fn complain(text: impl AsRef<str>) {
    let _ = writeln!(io::stderr().lock(), "{}", text.as_ref());
}

fn write(stream: &mut impl Write, text: &str, end: &str) -> Result<(), Problem> {
    let written = stream
        .write_all(text.as_bytes())
        .and_then(|()| stream.write_all(end.as_bytes()))
        .and_then(|()| stream.flush());
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Problem::caused(
            Exit::InputOutput,
            "standard output could not be written",
            &error,
            "check where it is redirected to",
        )),
        _ => Ok(()),
    }
}
