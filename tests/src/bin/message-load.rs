//! The far sides of `cargo xtask bench messages`: who asks, and who answers as a model.
//!
//! Both are bare, because they share their processors with the gateway they measure.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};
use firstlight_tests::message_load::{self, Flood, Folder, Load};

/// Measures how many messages a gateway answers.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    part: Part,
}

#[derive(Subcommand)]
enum Part {
    /// Makes a data folder whose gateway takes OneBot messages and asks the model below.
    Prepare(Prepare),
    /// Answers as a model, at once and always the same way; prints its address.
    Model,
    /// Asks with a number of messages in flight, for a while.
    Load(Closed),
    /// Asks at a rate, whatever comes back.
    Flood(Open),
}

#[derive(clap::Args)]
struct Prepare {
    /// The data folder.
    #[arg(long)]
    data: PathBuf,
    /// The address of the model's API.
    #[arg(long)]
    model: String,
    /// The port for OneBot.
    #[arg(long)]
    port: u16,
    /// Conversations that are there already.
    #[arg(long, default_value_t = 0)]
    conversations: u64,
    /// Messages that each of them has.
    #[arg(long, default_value_t = 0)]
    stored: u64,
}

#[derive(clap::Args)]
struct Closed {
    /// Where the gateway takes OneBot connections.
    #[arg(long)]
    address: SocketAddr,
    /// Messages in flight.
    #[arg(long)]
    in_flight: usize,
    /// Conversations they are spread over.
    #[arg(long)]
    conversations: u64,
    /// For how long.
    #[arg(long)]
    seconds: f64,
}

#[derive(clap::Args)]
struct Open {
    /// Where the gateway takes OneBot connections.
    #[arg(long)]
    address: SocketAddr,
    /// Messages a second.
    #[arg(long)]
    rate: f64,
    /// Conversations they are spread over.
    #[arg(long)]
    conversations: u64,
    /// For how long.
    #[arg(long)]
    seconds: f64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    match Arguments::parse().part {
        Part::Prepare(Prepare { data, model, port, conversations, stored }) => {
            message_load::prepare(&Folder { data, model, port, conversations, stored }).await
        }
        Part::Model => message_load::serve_model(|address| say(&address.to_string())).await,
        Part::Load(Closed { address, in_flight, conversations, seconds }) => {
            let load = Load { address, in_flight, conversations, seconds };
            say(&serde_json::to_string(&load.run().await?)?);
            Ok(())
        }
        Part::Flood(Open { address, rate, conversations, seconds }) => {
            let flood = Flood { address, rate, conversations, seconds };
            say(&serde_json::to_string(&flood.run().await?)?);
            Ok(())
        }
    }
}

#[expect(clippy::print_stdout, reason = "the figures are the result")]
fn say(line: &str) {
    println!("{line}");
}
