//! The document of the protocol names every call there is.
#![cfg(test)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The names of the variants of an enum, as they are on the line.
fn methods(source: &str, name: &str) -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/wire").join(source);
    let text = fs::read_to_string(path).unwrap();
    let all = text.split_once(&format!("impl {name}")).unwrap().1;
    let body = all.split_once("fn method").unwrap().1;
    let names = body.split("=> \"").skip(1).filter_map(|rest| rest.split('"').next());
    names.map(str::to_owned).collect()
}

#[test]
fn every_call_is_in_the_document_of_the_protocol() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/plugins/protocol.md");
    let document = fs::read_to_string(path).unwrap();
    let guest = methods("guest.rs", "GuestCall");
    let host = methods("host.rs", "HostCall");
    assert!(guest.len() > 15 && host.len() > 30);
    for method in guest.union(&host) {
        let rows = document.lines().filter(|line| line.starts_with('|'));
        let mut cells = rows.filter_map(|row| row.split('|').nth(1));
        assert!(cells.any(|cell| cell.contains(&format!("`{method}`"))), "{method} is missing");
    }
}
