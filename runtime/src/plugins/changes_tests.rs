//! Installing, updating and removing plugins while messages flow.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use firstlight_core::config::DocumentId;
use firstlight_core::db::RemovedData;
use firstlight_plugins_api::{Capabilities, Capability};
use serde_json::json;
use tempfile::TempDir;

use super::dispatch_tests::{World, private, world};
use super::packages::{InstallTerms, PackageSource, VersionCheck};
use super::{ChangeError, Stage};

/// A package of a program in Python.
pub(super) struct Written {
    folder: TempDir,
    name: &'static str,
}

impl Written {
    pub(super) fn new(name: &'static str, version: &str, more: &str, code: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let written = Self { folder, name };
        written.write(version, more, code);
        written
    }

    /// Writes the package anew.
    pub(super) fn write(&self, version: &str, more: &str, code: &str) {
        let name = self.name;
        let manifest = format!(
            "name = \"{name}\"\nversion = \"{version}\"\nlane = \"process\"\n\
             [process]\ncommand = [\"python3\", \"main.py\"]\n{more}"
        );
        let code = format!(
            "import firstlight, os, time\n\
             plugin = firstlight.Plugin('{name}', '{version}')\n{code}\nplugin.run()\n"
        );
        let sdk = concat!(env!("CARGO_MANIFEST_DIR"), "/../plugins-api/sdk/python/firstlight.py");
        std::fs::write(self.path().join("plugin.toml"), manifest).unwrap();
        std::fs::write(self.path().join("main.py"), code).unwrap();
        std::fs::copy(sdk, self.path().join("firstlight.py")).unwrap();
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().to_owned()
    }
}

const ALL: &str = "[capabilities]\nkv = true\n";
const SAYS: &str =
    "@plugin.command('hello')\ndef hello(call): return 'hello from ' + plugin.version";

pub(super) async fn install(
    world: &World,
    path: &Path,
    grants: Capabilities,
) -> Result<Capabilities, ChangeError> {
    let source = PackageSource::Folder { path: path.to_owned() };
    let staged = world.plugins.sources().stage(source).await?;
    let origin = staged.origin().clone();
    let terms = InstallTerms { grants, source: origin, version_check: VersionCheck::Required };
    Ok(world.plugins.install(staged, terms).await?.not_granted)
}

fn folders(world: &World) -> usize {
    let entries = std::fs::read_dir(world.folder().join("plugins")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    names.filter(|name| !name.starts_with('.')).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_is_installed_updated_disabled_and_removed_while_the_gateway_runs() {
    let (world, package) = (world().await, Written::new("guest", "1.0.0", ALL, SAYS));
    let missing = install(&world, &package.path(), Capabilities::default()).await.unwrap();
    assert_eq!(missing.held(), [Capability::Kv]);
    assert_eq!(world.answers(&private("/hello")).await, ["hello from 1.0.0"]);

    package.write("1.1.0", ALL, SAYS);
    world.plugins.update("guest").await.unwrap();
    assert_eq!(world.answers(&private("/hello")).await, ["hello from 1.1.0"]);
    assert_eq!(folders(&world), 1);
    assert_eq!(world.plugins.sources().changes()["guest"].stage, Stage::Done);

    world.plugins.disable("guest").await.unwrap();
    assert!(world.answers(&private("/hello")).await.is_empty());
    world.plugins.enable("guest").await.unwrap();
    assert_eq!(world.answers(&private("/hello")).await, ["hello from 1.1.0"]);

    world.plugins.uninstall("guest", RemovedData::Deleted).await.unwrap();
    assert!(world.answers(&private("/hello")).await.is_empty());
    assert_eq!(folders(&world), 0);
    let gone = world.plugins.uninstall("guest", RemovedData::Deleted).await;
    assert!(matches!(gone, Err(ChangeError::Unknown { .. })));
    world.plugins.unload_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_that_does_not_load_leaves_what_ran_before_running_and_installed() {
    let (world, package) = (world().await, Written::new("guest", "1.0.0", "", SAYS));
    install(&world, &package.path(), Capabilities::default()).await.unwrap();
    let broken = "@plugin.on('load')\ndef load(): raise firstlight.Error('no licence')";
    package.write("2.0.0", "", &format!("{SAYS}\n{broken}"));
    let error = world.plugins.update("guest").await.unwrap_err().to_string();
    assert!(error.contains("no licence"), "{error}");
    assert_eq!(world.answers(&private("/hello")).await, ["hello from 1.0.0"]);
    assert!(world.plugins.sources().failed().is_empty());
    assert_eq!(folders(&world), 1);
    let change = &world.plugins.sources().changes()["guest"];
    assert_eq!(change.stage, Stage::Failed);
    // The next start has the old one.
    world.plugins.reload("guest").await.unwrap();
    assert_eq!(world.answers(&private("/hello")).await, ["hello from 1.0.0"]);
    // What cannot even say who it is never gets that far.
    package.write("3.0.0", "", "raise SystemExit(3)");
    let error = world.plugins.update("guest").await.unwrap_err().to_string();
    assert!(error.contains("cannot be made ready"), "{error}");
    assert_eq!(world.answers(&private("/hello")).await, ["hello from 1.0.0"]);
    world.plugins.unload_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn code_and_file_must_agree_on_who_the_plugin_is() {
    let (world, package) = (world().await, Written::new("guest", "1.0.0", "", SAYS));
    let manifest = std::fs::read_to_string(package.path().join("plugin.toml")).unwrap();
    let other = manifest.replace("1.0.0", "1.0.1");
    std::fs::write(package.path().join("plugin.toml"), other).unwrap();
    let refused = install(&world, &package.path(), Capabilities::default()).await;
    let error = refused.unwrap_err().to_string();
    assert!(error.contains("version") && error.contains("1.0.1"), "{error}");
    assert_eq!(folders(&world), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_plugin_needs_is_loaded_before_it_and_cannot_be_taken_away() {
    let world = world().await;
    let needs = "[dependencies]\nbase = \">=1, <2\"\n";
    let top = Written::new("top", "1.0.0", needs, SAYS);
    let base = Written::new("base", "1.0.0", "", "");
    let early = install(&world, &top.path(), Capabilities::default()).await;
    let error = early.unwrap_err().to_string();
    assert!(error.contains("needs the plugin base >=1, <2, which is not loaded"), "{error}");
    let failed = &world.plugins.sources().failed()["top"];
    assert!(failed.hint.contains("Install"), "{}", failed.hint);
    install(&world, &base.path(), Capabilities::default()).await.unwrap();
    world.plugins.reload_failed("top").await.unwrap();
    assert!(world.plugins.sources().failed().is_empty());
    let needed = world.plugins.disable("base").await;
    assert!(matches!(needed, Err(ChangeError::Needed { by, .. }) if by == ["top"]));
    base.write("2.0.0", "", "");
    world.plugins.update("base").await.unwrap();
    let error = world.plugins.reload("top").await.unwrap_err().to_string();
    assert!(error.contains("2.0.0 is loaded"), "{error}");
    world.plugins.unload_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_completed_told_and_brought_up_to_date() {
    let (world, code) = (
        world().await,
        "
@plugin.command('show')
def show(call): return repr(sorted(plugin.settings.items()))",
    );
    let package = Written::new("guest", "1.0.0", "", code);
    let form = json!({ "sides": { "type": "int", "default": 6, "max": 100 },
                       "key": { "type": "string", "secret": true } });
    std::fs::write(package.path().join("settings.json"), form.to_string()).unwrap();
    install(&world, &package.path(), Capabilities::default()).await.unwrap();
    assert_eq!(world.answers(&private("/show")).await, ["[('key', ''), ('sides', 6)]"]);

    let config = world.plugins.shared().config();
    let id = DocumentId::Plugin("guest".to_owned());
    let wrong = config.save(&id, 0, json!({ "sides": 101 }), "a test").await;
    assert!(wrong.is_err());
    config.save(&id, 0, json!({ "sides": 8, "key": "s3cret" }), "a test").await.unwrap();
    assert_eq!(config.view(&id).unwrap().value["key"], firstlight_core::config::MASK);
    world.plugins.settings_changed("guest").await.unwrap();
    assert_eq!(world.answers(&private("/show")).await, ["[('key', 's3cret'), ('sides', 8)]"]);

    let form = json!({ "faces": { "type": "string", "renamed_from": "sides", "default": "6" },
                       "key": { "type": "string", "secret": true } });
    std::fs::write(package.path().join("settings.json"), form.to_string()).unwrap();
    package.write("1.1.0", "", code);
    world.plugins.update("guest").await.unwrap();
    assert_eq!(world.answers(&private("/show")).await, ["[('faces', '8'), ('key', 's3cret')]"]);
    world.plugins.unload_all().await;
}

/// Show 4 of the issue in small; `cargo xtask bench` and the integration tests do it in full.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_message_is_handled_once_however_often_its_plugin_is_reloaded() {
    let (world, package) = (Arc::new(world().await), Written::new("guest", "1.0.0", ALL, "
@plugin.command('count', arguments=[firstlight.text('n')])
def count(call):
    plugin.host('store', key=call.arguments['n'], value=(plugin.host('load', key=call.arguments['n']) or 0) + 1)
    return call.arguments['n']"));
    install(&world, &package.path(), Capabilities::all()).await.unwrap();
    let mut talking = tokio::task::JoinSet::new();
    for talker in 0..4 {
        let world = Arc::clone(&world);
        talking.spawn(async move {
            for number in 0..100 {
                let mut text = String::new();
                write!(text, "/count {talker}-{number}").unwrap();
                let said = world.answers(&private(&text)).await;
                assert_eq!(said, [format!("{talker}-{number}")]);
            }
        });
    }
    let reloading = async {
        for _ in 0..10 {
            world.plugins.reload("guest").await.unwrap();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let (_, ()) = tokio::join!(talking.join_all(), reloading);
    let values = world.plugins.shared().database().plugin_values();
    let keys = values.keys("guest", "").await.unwrap();
    assert_eq!(keys.len(), 400);
    for key in keys {
        assert_eq!(values.load("guest", &key).await.unwrap(), Some(json!(1)), "{key}");
    }
    world.plugins.unload_all().await;
}
