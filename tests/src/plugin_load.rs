//! The load of `cargo xtask bench plugins`: many components at once, and one event through each
//! lane.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use firstlight_core::bus::{Bus, BusSettings};
use firstlight_core::config::ConfigStore;
use firstlight_core::db::{Database, NewInstalledPlugin};
use firstlight_core::lifecycle::{Options, supervise};
use firstlight_core::settings::Settings;
use firstlight_plugins_api::testing::Stage;
use firstlight_plugins_api::{
    Arguments, Call, Capabilities, Host, Manifest, Plugin, PluginError, Version,
};
use firstlight_runtime::plugins::packages::{InstallTerms, PackageSource, VersionCheck};
use firstlight_runtime::plugins::{Compiler, PluginSources, Plugins};
use firstlight_runtime::{Foundation, Plan};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::Instant;

/// What one start with so many components took.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Measured {
    /// How many components there were.
    pub count: usize,
    /// How long the step that loads plugins took.
    pub start_ms: f64,
    /// How long until the runtime was ready.
    pub ready_ms: f64,
    /// What the process has of its own, per component over none, in MiB.
    pub own_mib: f64,
    /// Half of the events took less.
    pub component_us: f64,
    /// Likewise, through a process in Python.
    pub process_us: f64,
    /// Of events through a component, 99 of 100 took less: while nothing else happens, while a
    /// component spins in all its instances, and while a process spins.
    pub quiet_p99_ms: f64,
    /// See [`Self::quiet_p99_ms`].
    pub spinning_component_p99_ms: f64,
    /// See [`Self::quiet_p99_ms`].
    pub spinning_process_p99_ms: f64,
}

/// A plugin that is there only for its event.
struct Nothing;

impl Plugin for Nothing {
    fn manifest() -> Manifest {
        Manifest::new("nothing", Version::new(1, 0, 0))
    }

    async fn load(_host: Host) -> Result<Self, PluginError> {
        Ok(Self)
    }
}

const PYTHON: &str = "
import firstlight
plugin = firstlight.Plugin('echo', '1.0.0')

@plugin.command('echo')
def echo(call): return 'echo'

plugin.run()
";

const SPINNER: &str = "
import firstlight
plugin = firstlight.Plugin('turner', '1.0.0')

@plugin.command('turn')
def turn(call):
    while True: pass

plugin.run()
";

/// A budget that a spinning plugin does not use up before the bench is done with it.
const PATIENT: &str = "[budgets]\ncpu-ms = 60000\ndeadline-s = 120\n";
/// How many events are timed while another plugin spins, and how far apart.
const SAMPLES: usize = 2000;
const APART: Duration = Duration::from_millis(1);

/// Installs the component once, and puts as many copies beside it as are wanted, each another file
/// for the gateway: another digest, another compiled file.
pub async fn prepare(data: &Path, component: &Path, count: usize) -> Result<()> {
    let foundation = foundation(data).await?;
    let plan = Plan::open(foundation.clone(), Vec::new(), Compiler::InProcess).await?;
    let package = tempfile::tempdir()?;
    std::fs::copy(component, package.path().join("plugin.wasm"))?;
    std::fs::write(
        package.path().join("plugin.toml"),
        "name = \"dice\"\nversion = \"1.0.0\"\nlane = \"component\"\n[capabilities]\nkv = true\n",
    )?;
    install(plan.plugins(), package.path()).await?;
    program(plan.plugins(), "echo", PYTHON).await?;
    program(plan.plugins(), "turner", SPINNER).await?;
    spinner(plan.plugins()).await?;
    copies(data, &foundation.database, count).await?;
    foundation.config.close().await;
    foundation.database.close().await;
    Ok(())
}

async fn install(sources: &PluginSources, package: &Path) -> Result<()> {
    let staged = sources.stage(PackageSource::Folder { path: package.to_owned() }).await?;
    let terms = InstallTerms {
        grants: Capabilities::all(),
        source: staged.origin().clone(),
        version_check: VersionCheck::Required,
    };
    sources.install_idle(staged, terms).await?;
    Ok(())
}

async fn program(sources: &PluginSources, name: &str, code: &str) -> Result<()> {
    let package = tempfile::tempdir()?;
    std::fs::write(package.path().join("main.py"), code)?;
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins-api/sdk/python/firstlight.py");
    std::fs::copy(sdk, package.path().join("firstlight.py"))?;
    let manifest = format!(
        "name = \"{name}\"\nversion = \"1.0.0\"\nlane = \"process\"\n\
         [process]\ncommand = [\"python3\", \"main.py\"]\n{PATIENT}"
    );
    std::fs::write(package.path().join("plugin.toml"), manifest)?;
    install(sources, package.path()).await
}

/// A component that spins when its command is called. It is described by its own answer to nothing.
async fn spinner(sources: &PluginSources) -> Result<()> {
    let declared = r#"{"api":"1.0","name":"spinner","version":"1.0.0","handlers":[]}"#;
    let text = include_str!("../../runtime/src/plugins/lanes/tests/guest.wat")
        .replace("@DECLARED@", &declared.replace('"', "\\\""))
        .replace("@LENGTH@", &declared.len().to_string())
        .replace("@LOAD@", "")
        .replace("@UNLOAD@", "")
        .replace("@HANDLE@", "(loop $on (br $on))");
    let package = tempfile::tempdir()?;
    std::fs::write(package.path().join("plugin.wasm"), wat::parse_str(text)?)?;
    let manifest =
        format!("name = \"spinner\"\nversion = \"1.0.0\"\nlane = \"component\"\n{PATIENT}");
    std::fs::write(package.path().join("plugin.toml"), manifest)?;
    install(sources, package.path()).await
}

async fn copies(data: &Path, database: &Database, count: usize) -> Result<()> {
    let folder = data.join("plugins");
    let rows = database.installed_plugins();
    let first = rows.find("dice").await?.context("dice is not installed")?;
    let component = std::fs::read(folder.join(&first.folder).join("plugin.wasm"))?;
    let code = database.plugin_code().all().await?.pop().context("nothing was compiled")?;
    let (_, compatibility) = code.key.split_once('-').context("a key of another form")?;
    let compiled = folder.join(".compiled").join(format!("{}.cwasm", code.key));
    for number in 1..count {
        let name = format!("dice{number}");
        let mut bytes = component.clone();
        // A section of its own that says nothing: eight bytes and their name.
        bytes.extend_from_slice(&[0, 10, 1, b'n']);
        bytes.extend_from_slice(&number.to_le_bytes());
        let key = format!("{}-{compatibility}", blake3::hash(&bytes).to_hex());
        std::fs::copy(&compiled, folder.join(".compiled").join(format!("{key}.cwasm")))?;
        database.plugin_code().put(&key, &code.digest).await?;
        let place = format!("{name}-{number:016x}-0000");
        std::fs::create_dir_all(folder.join(&place))?;
        std::fs::write(folder.join(&place).join("plugin.wasm"), bytes)?;
        let manifest = format!(
            "name = \"{name}\"\nversion = \"1.0.0\"\nlane = \"component\"\n[capabilities]\nkv = true\n"
        );
        std::fs::write(folder.join(&place).join("plugin.toml"), manifest)?;
        let row = NewInstalledPlugin {
            name,
            folder: place,
            version: "1.0.0".into(),
            lane: "component".into(),
            digest: format!("{number:064x}"),
            source: json!({ "method": "upload", "name": "a copy" }),
        };
        rows.put(row, |_| json!({ "kv": true })).await?;
    }
    Ok(())
}

/// Starts with what is installed and measures.
pub async fn measure(data: &Path, count: usize, events: usize) -> Result<Measured> {
    let foundation = foundation(data).await?;
    let plan = Plan::open(foundation.clone(), Vec::new(), Compiler::InProcess).await?;
    let control = supervise(plan, Options::default());
    let before = own_memory()?;
    let begun = Instant::now();
    let generation = control.start().await.generation().context("it did not start")?;
    let settled = control.settled(generation).await;
    let ready_ms = milliseconds(begun.elapsed());
    let lease = settled.state.live().context("it is not ready")?.lease();
    let history = control.timeline().snapshot();
    let attempt = history.current.as_ref().context("no attempt")?;
    let step = attempt.components.iter().find(|step| step.record.name.as_ref() == "plugins");
    let step = step.context("no step loaded plugins")?;
    let loaded = lease.plugins.names();
    let components = loaded.iter().filter(|name| name.starts_with("dice")).count();
    ensure!(components == count, "{components} of {count} components are loaded");
    let after = own_memory()?;
    let component_us = half(&lease.plugins, "dice", "roll", events).await?;
    let process_us = half(&lease.plugins, "echo", "echo", events.min(2000)).await?;
    let quiet_p99_ms = paced(&lease.plugins).await?;
    let spinning_component_p99_ms = beside(&lease.plugins, "spinner", "spin", 4).await?;
    let spinning_process_p99_ms = beside(&lease.plugins, "turner", "turn", 1).await?;
    let start_ms = step.record.duration_ms.unwrap_or_default();
    drop(lease);
    if let Some(generation) = control.shutdown().await.generation() {
        control.settled(generation).await;
    }
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    Ok(Measured {
        count,
        start_ms: start_ms as f64,
        ready_ms,
        own_mib: after.saturating_sub(before) as f64 / count as f64 / 1024.0,
        component_us,
        process_us,
        quiet_p99_ms,
        spinning_component_p99_ms,
        spinning_process_p99_ms,
    })
}

/// What 99 of 100 events through the component take at most, while another plugin spins.
async fn beside(plugins: &Plugins, spinner: &str, handler: &str, at_once: usize) -> Result<f64> {
    let mut spinning = tokio::task::JoinSet::new();
    for _ in 0..at_once {
        let (plugins, name, call) = (plugins.clone(), spinner.to_owned(), call(handler));
        spinning.spawn(async move { plugins.call_handler(&name, call).await.is_some() });
    }
    // Until it spins.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let p99 = paced(plugins).await?;
    ensure!(spinning.try_join_next().is_none(), "it did not spin all the while");
    spinning.shutdown().await;
    Ok(p99)
}

/// What 99 of 100 events through the component take at most, some time apart.
async fn paced(plugins: &Plugins) -> Result<f64> {
    let mut times = Vec::with_capacity(SAMPLES);
    for _ in 0..SAMPLES {
        let begun = Instant::now();
        plugins.call_handler("dice", call("roll")).await.context("it is not loaded")?.err();
        times.push(begun.elapsed());
        tokio::time::sleep(APART).await;
    }
    times.sort_unstable();
    Ok(milliseconds(times.get(SAMPLES * 99 / 100).copied().unwrap_or_default()))
}

/// Dice that are none are answered by the plugin itself, without a call of the host.
fn call(handler: &str) -> Call {
    let arguments = json!({ "dice": "none" });
    Call {
        handler: handler.to_owned(),
        event: Stage::<Nothing>::event(&format!("/{handler} none")),
        arguments: Arguments(arguments.as_object().cloned().unwrap_or_default()),
    }
}

/// The median of an event's way to a plugin and back.
async fn half(plugins: &Plugins, plugin: &str, handler: &str, events: usize) -> Result<f64> {
    let mut times = Vec::with_capacity(events);
    for number in 0..events + events / 5 {
        let call = call(handler);
        let begun = Instant::now();
        let answered = plugins.call_handler(plugin, call).await.context("it is not loaded")?;
        let took = begun.elapsed();
        let said = answered.map_or_else(|error| error.to_string(), |reply| format!("{reply:?}"));
        ensure!(said.contains("2d6") || said.contains("echo"), "{said}");
        if number >= events / 5 {
            times.push(took);
        }
    }
    times.sort_unstable();
    let half = times.get(times.len() / 2).copied().unwrap_or_default();
    Ok(half.as_secs_f64() * 1e6)
}

async fn foundation(data: &Path) -> Result<Foundation> {
    std::fs::create_dir_all(data)?;
    let settings = Settings { data_dir: PathBuf::from(data), ..Settings::default() };
    let database = Database::open(&data.join("firstlight.db")).await?;
    Ok(Foundation {
        config: ConfigStore::open(database.clone()).await?,
        bus: Bus::new(database.clone(), BusSettings::default()),
        settings: Arc::new(settings),
        database,
    })
}

/// Memory that belongs to this process alone, in KiB: what is mapped from files can be had again.
fn own_memory() -> Result<u64> {
    let rollup = std::fs::read_to_string("/proc/self/smaps_rollup")?;
    let line = rollup.lines().find(|line| line.starts_with("Anonymous:"));
    let number = line.and_then(|line| line.split_ascii_whitespace().nth(1));
    Ok(number.context("no figure of own memory")?.parse()?)
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
