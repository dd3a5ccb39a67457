//! A gateway that is killed at each step of installing, updating and removing a plugin: the next
//! start has the old one whole or the new one whole.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use firstlight_core::failpoint::Point;
use firstlight_tests::gateway_process::{Build, Folder, GatewayProcess};
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Writes a package whose command says its version.
fn write(package: &Path, version: &str) -> Result<()> {
    let code = format!(
        "import firstlight
plugin = firstlight.Plugin('guest', '{version}')

@plugin.command('version')
def said(call): return plugin.version

plugin.run()
"
    );
    let manifest = format!(
        "name = \"guest\"\nversion = \"{version}\"\nlane = \"process\"\n\
         [process]\ncommand = [\"python3\", \"main.py\"]\n"
    );
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins-api/sdk/python/firstlight.py");
    std::fs::write(package.join("main.py"), code)?;
    std::fs::write(package.join("plugin.toml"), manifest)?;
    std::fs::copy(sdk, package.join("firstlight.py"))?;
    Ok(())
}

async fn install(gateway: &GatewayProcess, package: &Path) -> Result<()> {
    let body = json!({ "folder": package, "grants": "all" });
    let (_, answer) = gateway.post("/api/plugin/install", &body).await?;
    ensure!(answer["status"] == "ok", "{answer}");
    Ok(())
}

/// The plugin's version, when it is there and loaded.
async fn version(gateway: &GatewayProcess) -> Result<Option<String>> {
    let plugins = gateway.data("/api/plugin/get").await?;
    let found = plugins.as_array().context("no list")?.iter().find(|one| one["name"] == "guest");
    let Some(found) = found else { return Ok(None) };
    ensure!(found["health"].is_object(), "it is there and not loaded: {found}");
    Ok(found["version"].as_str().map(str::to_owned))
}

/// The folders of packages, and of those on their way in.
fn folders(folder: &Folder) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder.data().join("plugins"))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') {
            names.push(name);
        }
    }
    Ok(names)
}

/// Does something at which the process ends, or gets through with it, and starts another one.
async fn killed_at(
    folder: &Folder,
    point: Point,
    path: &str,
    body: &Value,
) -> Result<GatewayProcess> {
    folder.inject(&json!({ "exits": { (point.as_str()): 1 } }))?;
    let gateway = folder.start(Build::Faulty).await?;
    gateway.ready().await?;
    let asked = gateway.request(Method::POST, path).json(body).send().await;
    if asked.is_err() {
        gateway.ended().await?;
    } else {
        gateway.kill().await?;
    }
    folder.inject(&json!({}))?;
    let gateway = folder.start(Build::Plain).await?;
    gateway.ready().await?;
    Ok(gateway)
}

#[tokio::test]
async fn a_kill_leaves_the_old_plugin_whole_or_the_new_one() -> Result<()> {
    let package = TempDir::new()?;
    let mut outcomes = Vec::new();
    for point in Point::PLUGINS {
        let folder = Folder::with_account(Build::Plain).await?;
        write(package.path(), "1.0.0")?;
        let body = json!({ "folder": package.path(), "grants": "all" });
        let gateway = killed_at(&folder, point, "/api/plugin/install", &body).await?;
        let installed = version(&gateway).await?;
        ensure!(folders(&folder)?.len() == usize::from(installed.is_some()), "{point:?}");
        install(&gateway, package.path()).await?;
        gateway.kill().await?;

        write(package.path(), "2.0.0")?;
        let gateway = killed_at(&folder, point, "/api/plugin/install", &body).await?;
        let updated = version(&gateway).await?.context("it is gone")?;
        ensure!(updated == "1.0.0" || updated == "2.0.0", "{point:?}: {updated}");
        ensure!(folders(&folder)?.len() == 1, "{point:?}: {:?}", folders(&folder)?);
        gateway.kill().await?;

        let body = json!({ "name": "guest", "delete_config": true, "delete_data": true });
        let gateway = killed_at(&folder, point, "/api/plugin/uninstall", &body).await?;
        let left = version(&gateway).await?;
        ensure!(folders(&folder)?.len() == usize::from(left.is_some()), "{point:?}");
        gateway.kill().await?;
        outcomes.push((point, installed, updated, left));
    }
    // Each step ends some change before it counts, or after: both are seen.
    ensure!(outcomes.iter().any(|(_, installed, ..)| installed.is_none()), "{outcomes:?}");
    ensure!(outcomes.iter().any(|(_, _, updated, _)| updated == "1.0.0"), "{outcomes:?}");
    ensure!(outcomes.iter().any(|(_, _, updated, _)| updated == "2.0.0"), "{outcomes:?}");
    ensure!(outcomes.iter().any(|(.., left)| left.is_none()), "{outcomes:?}");
    Ok(())
}
