//! The load of `cargo xtask bench plugins`.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};
use firstlight_tests::plugin_load;

/// Starts a runtime with many components, and sends events through plugins.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Installs so many copies of a component.
    Prepare { data: PathBuf, component: PathBuf, count: usize },
    /// Starts with them, and measures.
    Measure {
        data: PathBuf,
        count: usize,
        #[arg(long, default_value_t = 10_000)]
        events: usize,
    },
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "the figures are the result")]
async fn main() -> Result<()> {
    match Arguments::parse().what {
        What::Prepare { data, component, count } => {
            plugin_load::prepare(&data, &component, count).await
        }
        What::Measure { data, count, events } => {
            let measured = plugin_load::measure(&data, count, events).await?;
            println!("{}", serde_json::to_string(&measured)?);
            Ok(())
        }
    }
}
