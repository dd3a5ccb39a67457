//! The fake OpenAI as a process, for measurements and for breaking things from outside.

use anyhow::Result;
use clap::Parser;
use firstlight_tests::fake_openai::{FakeOpenAi, Reply};

/// Answers OpenAI chat requests until it is ended, by default with the question.
#[derive(Parser)]
struct Arguments {
    /// Where to listen; port 0 takes a free one. The address is printed.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: String,
    /// Milliseconds before each word.
    #[arg(long, default_value_t = 0)]
    delay_ms: u64,
    /// What every request is answered with, as JSON, instead of the question.
    #[arg(long, value_parser = reply)]
    otherwise: Option<Reply>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let fake = FakeOpenAi::start_on(&arguments.listen)?;
    fake.otherwise(arguments.otherwise.unwrap_or_else(|| Reply::drip(arguments.delay_ms)));
    print(&fake.api_base());
    fake.run()
}

fn reply(json: &str) -> Result<Reply, serde_json::Error> {
    serde_json::from_str(json)
}

#[expect(clippy::print_stdout, reason = "the address is what its starter reads")]
fn print(line: &str) {
    println!("{line}");
}
