//! The documents for people: `docs/http.md`, `docs/errors.md`, and the page at `/api/docs`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use firstlight_core::messages::Language;
use sha2::{Digest, Sha256};

use super::error::{Code, Kind};
use super::openapi::{access, template};
use super::row::Row;
use super::table::Table;

const MADE: &str = "<!-- Made by `cargo xtask test --update`. Do not edit. -->\n";

/// `docs/http.md`: every row, by domain.
pub fn http(table: &Table) -> String {
    let mut text = format!(
        "# HTTP interface\n\n{MADE}\n\
         *Access*: who may call. *Needs*: `core` rows answer in every state, `recovery` rows when the \
         runtime is ready, failed or stopped, `runtime` rows when it is ready. GET rows answer HEAD, \
         all answer OPTIONS. Shapes are in [openapi.json](openapi.json), codes in \
         [errors.md](errors.md).\n"
    );
    for (tag, rows) in by_tag(table) {
        let _ = write!(text, "\n## {tag}\n\n| Method | Path | Access | Needs | What it does |\n");
        text.push_str("|---|---|---|---|---|\n");
        for row in rows {
            let (path, access) = (template(row.path), access(row.access));
            let method = if row.socket { "WS" } else { row.method.as_str() };
            let (needs, about) = (row.needs.name(), row.about);
            let _ = writeln!(text, "| {method} | `{path}` | {access} | {needs} | {about} |");
        }
    }
    text
}

/// `docs/errors.md`: every code.
pub fn errors() -> String {
    let mut text = format!(
        "# Error codes\n\n{MADE}\n\
         The code is stable, the sentence is not. *Kept* tells whether rows of the ancestor's \
         interface keep the status, or answer 200 with `\"status\": \"error\"` in its place.\n\n\
         | Code | Status | Kept | Meaning |\n|---|---|---|---|\n"
    );
    for code in Code::ALL {
        let kept = if code.kind() == Kind::Real { "yes" } else { "no" };
        let (status, sentence) = (code.status().as_u16(), code.sentence(Language::English));
        let _ = writeln!(text, "| `{}` | {status} | {kept} | {sentence} |", code.as_str());
    }
    text
}

/// The rows of a domain, in the order of declaration.
fn by_tag(table: &Table) -> BTreeMap<&'static str, Vec<&Row>> {
    let mut domains: BTreeMap<&'static str, Vec<&Row>> = BTreeMap::new();
    for row in table.rows() {
        domains.entry(row.tag()).or_default().push(row);
    }
    domains
}

const STYLE: &str = "\
:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}\
body{max-width:64rem;margin:2rem auto;padding:0 1rem}\
h2{margin:2.5rem 0 .5rem;text-transform:capitalize}\
table{width:100%;border-collapse:collapse}\
th,td{padding:.35rem .6rem;text-align:left;vertical-align:top;border-bottom:1px solid #8884}\
th{font-weight:600}\
code{font:.9em ui-monospace,monospace;overflow-wrap:anywhere}\
nav a{margin-right:.8rem}";

/// The page at `/api/docs`: plain HTML, no script, nothing from elsewhere.
pub fn page(table: &Table) -> String {
    let domains = by_tag(table);
    let mut body = String::new();
    for tag in domains.keys() {
        let _ = write!(body, "<a href=\"#{tag}\">{tag}</a> ");
    }
    body = format!("<nav>{body}<a href=\"#errors\">errors</a></nav>");
    for (tag, rows) in domains {
        let _ = write!(body, "<h2 id=\"{tag}\">{tag}</h2><table><tr><th>Method<th>Path<th>Access");
        body.push_str("<th>Needs<th>What it does");
        for row in rows {
            let (path, access) = (template(row.path), access(row.access));
            let method = if row.socket { "WS" } else { row.method.as_str() };
            let (needs, about) = (row.needs.name(), escaped(row.about));
            let _ = write!(body, "<tr id=\"{}\"><td>{method}<td><code>{path}</code>", row.name);
            let _ = write!(body, "<td>{access}<td>{needs}<td>{about}");
        }
        body.push_str("</table>");
    }
    body.push_str("<h2 id=\"errors\">errors</h2><table><tr><th>Code<th>Status<th>Meaning");
    for code in Code::ALL {
        let (status, text) = (code.status().as_u16(), escaped(code.sentence(Language::English)));
        let _ = write!(body, "<tr><td><code>{}</code><td>{status}<td>{text}", code.as_str());
    }
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <title>Firstlight: HTTP interface</title><style>{STYLE}</style>\
         <h1>HTTP interface</h1>\
         <p>The same as <a href=\"/openapi.json\">an OpenAPI document</a>.</p>{body}</table></html>"
    )
}

/// The content policy of the page: its one style, named by its hash.
pub fn page_policy() -> String {
    let hash = STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
