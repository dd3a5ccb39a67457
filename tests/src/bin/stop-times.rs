//! The load of `cargo xtask bench stops`: answers that are stopped in their middle.

use anyhow::Result;
use clap::Parser;
use firstlight_tests::stop_times;

/// Measures how soon `/stop` ends the model's call, in the gateway that `FIRSTLIGHT_BIN` names.
#[derive(Parser)]
struct Arguments {
    /// How often, in each place.
    #[arg(long, default_value_t = 20)]
    rounds: usize,
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "the figures are the result")]
async fn main() -> Result<()> {
    let times = stop_times::measure(Arguments::parse().rounds).await?;
    println!("{}", serde_json::to_string(&times)?);
    Ok(())
}
