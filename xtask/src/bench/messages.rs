//! `cargo xtask bench messages`: messages answered through the whole path, from a OneBot peer over
//! the durable bus to a model and back, beside what the disk takes of the same rows alone.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::Value;

use super::{
    client::{Options, call},
    figures::{Figures, median},
    http::{account, token},
    server::{Server, free_address},
};
use crate::workspace::{Faults, Workspace};

/// Answers in every state.
const STATUS: &str = "/api/stat/runtime-status";
/// Conversations of a flood.
const FLOODED: u64 = 1_000;

/// How much load, and how often.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Turns of each measurement; the figures are their medians.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Seconds of each turn.
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
    /// Seconds of the flood at twice the rate; 0 leaves it out.
    #[arg(long, default_value_t = 60.0)]
    flood: f64,
    /// Messages that the long conversation has stored.
    #[arg(long, default_value_t = 100_000)]
    stored: u64,
    /// Conversations of the wide load.
    #[arg(long, default_value_t = 10_000)]
    conversations: u64,
}

/// What the load generator says.
#[derive(Deserialize)]
struct Report {
    asked: f64,
    answered: f64,
    lost: f64,
    out_of_order: f64,
    repeated: f64,
    rate: f64,
    p50_ms: f64,
    p99_ms: f64,
    seconds: f64,
}

struct Bench<'a> {
    arguments: &'a Arguments,
    gateway: PathBuf,
    load: PathBuf,
    folder: tempfile::TempDir,
}

/// A gateway with its model.
struct Setting {
    gateway: Server,
    onebot: SocketAddr,
    _model: Model,
}

/// The model's process, ended when dropped.
struct Model(Child);

impl Drop for Model {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Builds everything, then measures.
pub(super) fn run(workspace: &Workspace, profile: &str, arguments: &Arguments) -> Result<Figures> {
    let bus_rate = workspace.example(profile, "firstlight-core", "bus_rate")?;
    let bench = Bench {
        arguments,
        gateway: workspace.gateway(profile, Faults::Without)?,
        load: workspace.peer(profile, "message-load")?,
        folder: tempfile::tempdir()?,
    };
    let mut figures = Figures::default();
    bench.rates(&bus_rate, &mut figures)?;
    bench.flatness(&mut figures)?;
    if arguments.flood > 0.0 {
        bench.flood(figures.value("rate_64"), &mut figures)?;
    }
    Ok(figures)
}

impl Bench<'_> {
    /// The rate with 64 in flight beside the same rows alone, in turns, and the times with one.
    fn rates(&self, bus_rate: &Path, figures: &mut Figures) -> Result<()> {
        let setting = self.setting("rates", 0, 0)?;
        let (mut rates, mut ceilings, mut costs) = (Vec::new(), Vec::new(), Vec::new());
        let (mut halves, mut tails) = (Vec::new(), Vec::new());
        for round in 0..self.arguments.rounds {
            let before = setting.gateway.cpu()?;
            let many = self.load(&setting, 64, 64)?;
            costs.push(micros(setting.gateway.cpu()?.saturating_sub(before)) / many.answered);
            let one = self.load(&setting, 1, 1)?;
            let ceiling = self.ceiling(bus_rate)?;
            println!(
                "round {}: {:.0}/s, alone {ceiling:.0}/s, one {:.2} ms",
                round + 1,
                many.rate,
                one.p50_ms
            );
            rates.push(many.rate);
            ceilings.push(ceiling);
            halves.push(one.p50_ms);
            tails.push(one.p99_ms);
        }
        setting.gateway.stop()?;
        let ceiling = median(&ceilings);
        figures.add("rate_64", "messages/s", median(&rates), Some(ceiling));
        figures.add("commit_ceiling", "messages/s", ceiling, None);
        figures.add("gateway_cpu_us", "us/message", median(&costs), None);
        figures.add("p50_ms_1", "ms", median(&halves), None);
        figures.add("p99_ms_1", "ms", median(&tails), None);
        Ok(())
    }

    /// The cost of a message where much is stored over the cost where there is little.
    fn flatness(&self, figures: &mut Figures) -> Result<()> {
        let Arguments { stored, conversations, .. } = *self.arguments;
        let short = self.cost("short", (1, 1), 1)?;
        let long = self.cost("long", (1, stored), 1)?;
        figures.add("cost_stored_us", "us/message", long, Some(short));
        let few = self.cost("few", (10, 0), 10)?;
        let many = self.cost("many", (conversations, 0), 10)?;
        figures.add("cost_conversations_us", "us/message", many, Some(few));
        Ok(())
    }

    /// Processor time of the gateway for each message, over conversations that have so much stored.
    fn cost(&self, name: &str, (conversations, stored): (u64, u64), in_flight: u64) -> Result<f64> {
        let setting = self.setting(name, conversations, stored)?;
        // Each conversation is seen once before, so that all are in memory alike.
        self.load(&setting, in_flight, conversations)?;
        let mut costs = Vec::new();
        for _ in 0..self.arguments.rounds {
            let before = setting.gateway.cpu()?;
            let report = self.load(&setting, in_flight, conversations)?;
            costs.push(micros(setting.gateway.cpu()?.saturating_sub(before)) / report.answered);
        }
        setting.gateway.stop()?;
        println!("{name}: {costs:.0?} us for each message");
        Ok(median(&costs))
    }

    /// Twice what it sustains, while its memory and its status rows are watched.
    fn flood(&self, sustained: f64, figures: &mut Figures) -> Result<()> {
        let setting = self.setting("flood", 0, 0)?;
        let token = token(setting.gateway.address)?;
        let idle = setting.gateway.resident()?;
        let over = AtomicBool::new(false);
        let (report, watched) = thread::scope(|scope| {
            let watching = scope.spawn(|| watch(&setting.gateway, &token, &over));
            let rate = (sustained * 2.0).to_string();
            let seconds = self.arguments.flood.to_string();
            let report = self.generate(&setting, "flood", FLOODED, &seconds, &["--rate", &rate]);
            over.store(true, Ordering::Relaxed);
            let watched = watching.join().map_err(|_| anyhow::anyhow!("the watch panicked"));
            (report, watched)
        });
        let (report, (peak, mut times)) = (report?, watched??);
        setting.gateway.stop()?;
        times.sort_by(f64::total_cmp);
        let worst = times.last().copied().context("no status was read")?;
        figures.add("flood_asked", "messages", report.asked, None);
        figures.add("flood_lost", "messages", report.lost, None);
        figures.add("flood_out_of_order", "messages", report.out_of_order, None);
        figures.add("flood_repeated", "messages", report.repeated, None);
        figures.add("flood_seconds", "s", report.seconds, None);
        figures.add("flood_rss_mb", "MiB", peak, Some(idle));
        figures.add("flood_status_ms", "ms", median(&times), None);
        figures.add("flood_status_max_ms", "ms", worst, None);
        Ok(())
    }

    fn setting(&self, name: &str, conversations: u64, stored: u64) -> Result<Setting> {
        let mut model =
            Command::new(&self.load).arg("model").stdout(Stdio::piped()).spawn().map(Model)?;
        let mut address = String::new();
        let output = model.0.stdout.take().context("no output")?;
        BufReader::new(output).read_line(&mut address)?;
        let model_url = format!("http://{}/v1", address.trim());
        let data = self.folder.path().join(name);
        let onebot = free_address()?;
        let prepared = Command::new(&self.load)
            .args(["prepare", "--model", &model_url, "--port", &onebot.port().to_string()])
            .args(["--conversations", &conversations.to_string()])
            .args(["--stored", &stored.to_string()])
            .arg("--data")
            .arg(&data)
            .status()?;
        ensure!(prepared.success(), "the data folder could not be made");
        account(&self.gateway, &data)?;
        let mut gateway = Server::gateway(&self.gateway, &data, None)?;
        gateway.answered("/readyz")?;
        Ok(Setting { gateway, onebot, _model: model })
    }

    fn load(&self, setting: &Setting, in_flight: u64, conversations: u64) -> Result<Report> {
        let in_flight = in_flight.to_string();
        let seconds = self.arguments.seconds.to_string();
        let more = ["--in-flight", &in_flight];
        let report = self.generate(setting, "load", conversations, &seconds, &more)?;
        let flawless = report.lost + report.out_of_order + report.repeated == 0.0;
        ensure!(flawless, "{} of {} messages were lost", report.lost, report.asked);
        Ok(report)
    }

    fn generate(
        &self,
        setting: &Setting,
        kind: &str,
        conversations: u64,
        seconds: &str,
        more: &[&str],
    ) -> Result<Report> {
        let output = Command::new(&self.load)
            .args([kind, "--address", &setting.onebot.to_string(), "--seconds", seconds])
            .args(["--conversations", &conversations.to_string()])
            .args(more)
            .stderr(Stdio::inherit())
            .output()?;
        ensure!(output.status.success(), "the load generator failed");
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// The rows of a message in their final form, stored by the same group commit and nothing else.
    fn ceiling(&self, bus_rate: &Path) -> Result<f64> {
        let seconds = Duration::from_secs_f64(self.arguments.seconds).as_secs().max(1).to_string();
        let output = Command::new(bus_rate)
            .args([&seconds, "64", "1"])
            .current_dir(self.folder.path())
            .output()?;
        ensure!(output.status.success(), "the commits could not be measured");
        let figures: Value = serde_json::from_slice(&output.stdout)?;
        figures.get("rate").and_then(Value::as_f64).context("no rate")
    }
}

/// The most memory, and how long each look at the status took, in milliseconds.
fn watch(gateway: &Server, token: &str, over: &AtomicBool) -> Result<(f64, Vec<f64>)> {
    let (mut peak, mut times) = (0.0_f64, Vec::new());
    let options = Options { token: Some(token), json: None };
    while !over.load(Ordering::Relaxed) {
        let began = Instant::now();
        let reply = call(gateway.address, STATUS, &options)?;
        ensure!(reply.status == 200, "{STATUS} answered {}", reply.status);
        times.push(began.elapsed().as_secs_f64() * 1000.0);
        peak = peak.max(gateway.resident()?);
        thread::sleep(Duration::from_millis(100));
    }
    Ok((peak, times))
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000_000.0
}
