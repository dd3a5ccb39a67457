//! All domains, put together.

use std::sync::LazyLock;

use super::{
    apikey, auth, chat, commands, config, conversation, dead_letters, docs, logs, open, page,
    persona, platform, plugin, project, session, stat, tools, tui,
};
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
        commands::rows(),
        tui::rows(),
        config::rows(),
        open::rows(),
        conversation::rows(),
        persona::rows(),
        session::rows(),
        dead_letters::rows(),
        platform::rows(),
        plugin::rows(),
        project::rows(),
        stat::rows(),
        tools::rows(),
    ];
    domains.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{Access, Code};

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

    /// Clients may know a code, so it stays. What the documents say is compared by xtask.
    #[test]
    fn a_code_that_was_documented_is_still_there() {
        let documented = include_str!("../../../docs/errors.md").lines();
        for line in documented.filter_map(|line| line.strip_prefix("| `")) {
            let code = line.split('`').next().unwrap();
            assert!(Code::ALL.iter().any(|known| known.as_str() == code), "{code} is gone");
        }
    }
}
