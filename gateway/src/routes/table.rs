//! All domains, put together.

use std::sync::LazyLock;

use super::{apikey, auth, chat, page, platform, plugin};
use crate::http::{Row, Table};

/// The table. It is built once and checks itself.
pub static TABLE: LazyLock<Table> = LazyLock::new(|| Table::new(rows()));

fn rows() -> Vec<Row> {
    let domains = [
        auth::rows(),
        apikey::rows(),
        page::rows(),
        chat::rows(),
        platform::rows(),
        plugin::rows(),
    ];
    domains.into_iter().flatten().collect()
}
