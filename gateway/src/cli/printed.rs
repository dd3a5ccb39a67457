//! An answer in the terminal.

use serde_json::Value;

use crate::exit::Problem;
use crate::terminal;

/// What has been printed of an answer.
#[derive(Default)]
pub(super) struct Printed {
    json: bool,
    /// Text was streamed, so that the complete text at its end is nothing new.
    streamed: bool,
    open_line: bool,
    failed: bool,
}

impl Printed {
    /// Nothing yet. As JSON, every event is printed as it came.
    pub(super) fn new(json: bool) -> Self {
        Self { json, ..Self::default() }
    }

    /// Whether the answer is an error, or was cut.
    pub(super) fn failed(&self) -> bool {
        self.failed
    }

    /// Prints what is new with an event.
    pub(super) fn show(&mut self, event: &Value) -> Result<(), Problem> {
        let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
        let kind = text("type");
        self.failed |= kind == "error";
        if self.json {
            return terminal::line(event.to_string());
        }
        // What the model thought, called and counted is for the dashboard.
        if !text("chain_type").is_empty() {
            return Ok(());
        }
        let streaming = event.get("streaming").and_then(Value::as_bool).unwrap_or_default();
        match kind {
            "plain" => {
                self.streamed |= streaming;
                self.print(text("data"))
            }
            "complete" if !self.streamed => self.print(text("data")),
            "image" | "record" | "file" | "video" => self.print(&format!("\n{}\n", text("data"))),
            "error" => {
                self.close()?;
                terminal::complain(format!("error: {}", text("data")));
                Ok(())
            }
            "runtime_gone" | "shutdown" => {
                self.failed = true;
                self.close()?;
                terminal::complain("the gateway went away before the answer was complete");
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn print(&mut self, text: &str) -> Result<(), Problem> {
        self.open_line =
            !text.is_empty() && !text.ends_with('\n') || self.open_line && text.is_empty();
        terminal::part(text)
    }

    /// Ends the line, if one is open.
    pub(super) fn close(&mut self) -> Result<(), Problem> {
        if std::mem::take(&mut self.open_line) { terminal::line("") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Printed;

    #[test]
    fn an_error_or_a_cut_answer_is_remembered_as_a_failure() {
        for (event, failed) in [
            (json!({ "type": "plain", "data": "", "streaming": true }), false),
            (json!({ "type": "error", "data": "the provider is down" }), true),
            (json!({ "type": "shutdown" }), true),
            (json!({ "type": "end" }), false),
        ] {
            let mut printed = Printed::new(false);
            printed.show(&event).unwrap();
            assert_eq!(printed.failed(), failed, "{event}");
        }
    }
}
