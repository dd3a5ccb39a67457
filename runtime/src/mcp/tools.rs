//! The tools of a server, within bounds: a server is not trusted with our memory.

use rmcp::model::Tool;
use serde_json::Value;

use super::error::McpError;

/// How many tools one server may have.
pub(super) const MOST: usize = 512;
/// The largest tool, in bytes of its name, description and schema.
const LARGEST: usize = 64 << 10;
/// The size of all tools of a server, in bytes.
const LARGEST_LIST: usize = 1 << 20;
/// The longest name, in characters.
const LONGEST_NAME: usize = 128;

/// A tool of a server.
#[derive(Debug, Clone, PartialEq)]
pub struct McpTool {
    /// Its name, unique within the server.
    pub name: String,
    /// What it does, written for the model.
    pub description: String,
    /// A JSON Schema of its arguments.
    pub parameters: Value,
}

/// Collects the pages of a list and refuses what is too much.
#[derive(Default)]
pub(super) struct Collected {
    tools: Vec<McpTool>,
    bytes: usize,
}

impl Collected {
    pub(super) fn add(&mut self, page: Vec<Tool>) -> Result<(), McpError> {
        for tool in page {
            let name = tool.name.into_owned();
            if name.trim().is_empty() || name.chars().count() > LONGEST_NAME {
                return Err(refused(format!("a name has 1 to {LONGEST_NAME} characters")));
            }
            let description = tool.description.unwrap_or_default().into_owned();
            let parameters = Value::Object((*tool.input_schema).clone());
            let bytes = name.len() + description.len() + parameters.to_string().len();
            if bytes > LARGEST {
                return Err(refused(format!("one of them has more than {LARGEST} bytes")));
            }
            self.bytes += bytes;
            if self.bytes > LARGEST_LIST {
                return Err(refused(format!("they have more than {LARGEST_LIST} bytes")));
            }
            // Servers that list a tool twice mean the same one.
            if self.tools.iter().all(|known| known.name != name) {
                self.tools.push(McpTool { name, description, parameters });
            }
            if self.tools.len() > MOST {
                return Err(refused(format!("there are more than {MOST}")));
            }
        }
        Ok(())
    }

    pub(super) fn whole(self) -> Vec<McpTool> {
        self.tools
    }
}

pub(super) fn refused(reason: String) -> McpError {
    McpError::ToolsRefused { reason }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tool(name: &str, description: &str) -> Tool {
        let schema = json!({"type": "object"});
        serde_json::from_value(
            json!({"name": name, "description": description, "inputSchema": schema}),
        )
        .unwrap()
    }

    fn refusal(tools: Vec<Tool>) -> String {
        Collected::default().add(tools).unwrap_err().to_string()
    }

    #[test]
    fn what_is_too_much_is_refused_and_says_which_bound() {
        let many = (0..=MOST).map(|n| tool(&n.to_string(), "")).collect();
        assert!(refusal(many).ends_with("there are more than 512"));
        assert!(refusal(vec![tool("a", &"x".repeat(LARGEST))]).contains("more than 65536 bytes"));
        let long = "x".repeat(LARGEST - 1024);
        let heavy = (0..20).map(|n| tool(&n.to_string(), &long)).collect();
        assert!(refusal(heavy).contains("more than 1048576 bytes"));
        assert!(refusal(vec![tool(" ", "")]).contains("1 to 128 characters"));
        assert!(refusal(vec![tool(&"é".repeat(129), "")]).contains("1 to 128 characters"));
    }

    #[test]
    fn pages_add_up_and_a_tool_counts_once() {
        let mut collected = Collected::default();
        collected.add(vec![tool("a", "one"), tool("b", "two")]).unwrap();
        collected.add(vec![tool("a", "again")]).unwrap();
        let names: Vec<_> = collected.whole().into_iter().map(|tool| tool.description).collect();
        assert_eq!(names, ["one", "two"]);
    }
}
