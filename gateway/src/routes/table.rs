//! All domains, put together.

use std::sync::LazyLock;

use super::{apikey, auth, chat, docs, logs, page, platform, plugin, stat};
use crate::http::{Row, Table};

/// The table. It is built once and checks itself.
pub static TABLE: LazyLock<Table> = LazyLock::new(|| Table::new(rows()));

fn rows() -> Vec<Row> {
    let domains = [
        auth::rows(),
        apikey::rows(),
        docs::rows(),
        logs::rows(),
        page::rows(),
        chat::rows(),
        platform::rows(),
        plugin::rows(),
        stat::rows(),
    ];
    domains.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::http::docs as documents;
    use crate::http::{Access, Code, openapi};

    /// The committed list is written by hand: no command rewrites it, so that a row cannot become
    /// public by accident.
    #[test]
    fn the_public_rows_are_the_ones_that_somebody_wrote_down() {
        let public =
            TABLE.rows().iter().filter(|row| matches!(row.access, Access::Public | Access::Token));
        let mut public: Vec<String> =
            public.map(|row| format!("{} {}", row.method, row.path)).collect();
        public.sort();
        let listed: Vec<&str> = include_str!("../../public-rows.txt").lines().collect();
        assert_eq!(public, listed);
    }

    #[test]
    fn every_row_has_a_line_for_the_documents() {
        for row in TABLE.rows() {
            assert!(row.about.ends_with('.') && row.about.len() > 5, "{}: {}", row.name, row.about);
        }
    }

    /// `cargo xtask test --update` rewrites the documents; otherwise they are compared. A code that
    /// clients may know must stay, so its removal is refused even then.
    #[test]
    fn the_committed_documents_are_what_the_table_says() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
        let openapi = format!("{:#}\n", openapi::document(&TABLE));
        let made = [
            ("openapi.json", openapi),
            ("http.md", documents::http(&TABLE)),
            ("errors.md", documents::errors()),
        ];
        let committed = fs::read_to_string(folder.join("errors.md")).unwrap_or_default();
        for line in committed.lines().filter_map(|line| line.strip_prefix("| `")) {
            let code = line.split('`').next().unwrap();
            assert!(Code::ALL.iter().any(|known| known.as_str() == code), "{code} is gone");
        }
        for (name, text) in made {
            if std::env::var_os("FIRSTLIGHT_UPDATE").is_some() {
                fs::write(folder.join(name), &text).unwrap();
            }
            let committed = fs::read_to_string(folder.join(name)).unwrap_or_default();
            assert!(committed == text, "docs/{name} is stale: cargo xtask test --update");
        }
    }
}
