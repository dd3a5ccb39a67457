//! Installing, updating and removing against real folders, and what a kill leaves.

use std::fs;
use std::path::{Path, PathBuf};
use std::task::Poll;

use firstlight_core::db::{Database, RemovedData};
use firstlight_plugins_api::Capabilities;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use super::address::{PackageOrigin, PackageSource};
use super::error::{PackageError, PackageErrorKind};
use super::folders::package_folder;
use super::git::Repositories;
use super::git::tests::repository;
use super::manifest::PackageManifest;
use super::staging::Staged;
use super::store::{PackageStore, STAGING, StoreOptions};
use super::sweep::Swept;
use super::terms::{InstallTerms, Installed, PackageContent, VersionCheck};
use super::test_server::serve;
use super::unpacking_tests::archive;

struct Scene {
    folder: TempDir,
    database: Database,
    store: PackageStore,
}

impl Scene {
    async fn new() -> Self {
        Self::with(vec![]).await
    }

    async fn with(private_hosts: Vec<String>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("firstlight.db")).await.unwrap();
        let options = StoreOptions { private_hosts, repositories: Repositories::Local };
        let plugins = folder.path().join("plugins");
        let store = PackageStore::new(plugins, database.clone(), options);
        Self { folder, database, store }
    }

    /// The store as another process finds it, and what its sweep said.
    async fn next_start(&mut self) -> Swept {
        let plugins = self.plugins();
        self.store = PackageStore::new(plugins, self.database.clone(), StoreOptions::default());
        self.store.sweep().await.unwrap()
    }

    fn plugins(&self) -> PathBuf {
        self.folder.path().join("plugins")
    }

    /// A package of that version, staged from a folder.
    async fn staged(&self, version: &str, more: &str) -> Staged {
        let from = tempfile::tempdir().unwrap();
        write_package(from.path(), version, more);
        let path = from.path().to_owned();
        self.store.stage(PackageSource::Folder { path }).await.unwrap()
    }

    async fn install(&self, version: &str, more: &str, grants: Capabilities) -> Installed {
        let staged = self.staged(version, more).await;
        let terms = terms(&staged, grants);
        self.store.install(staged, terms, ready).await.unwrap()
    }

    /// What is installed: the version that the row names, and the one that its code is of.
    async fn whole(&self) -> Option<(String, String)> {
        let package = self.store.find("dice").await.unwrap()?;
        let PackageContent::Whole(manifest) = package.content else {
            panic!("{:?}", package.content)
        };
        let code = fs::read_to_string(package.folder.join("plugin.wasm")).unwrap();
        assert_eq!(manifest.version.to_string(), package.row.version);
        assert_eq!(fs::read(package.folder.join("ready")).unwrap(), b"ready");
        Some((package.row.version, code))
    }

    /// The folders of packages, and whether anything is on its way in.
    fn folders(&self) -> Vec<String> {
        let staging = fs::read_dir(self.plugins().join(STAGING)).unwrap();
        let staged = staging.flat_map(|run| fs::read_dir(run.unwrap().path()).unwrap());
        assert_eq!(staged.count(), 0, "something is still staged");
        let names = fs::read_dir(self.plugins()).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| !name.starts_with('.')).collect()
    }
}

fn write_package(folder: &Path, version: &str, more: &str) {
    let text = format!("name = \"dice\"\nversion = \"{version}\"\nlane = \"component\"\n{more}");
    fs::write(folder.join("plugin.toml"), text).unwrap();
    fs::write(folder.join("plugin.wasm"), version).unwrap();
    fs::write(folder.join("README.md"), "# Dice").unwrap();
}

fn terms(staged: &Staged, grants: Capabilities) -> InstallTerms {
    let source = staged.origin().clone();
    InstallTerms { grants, source, version_check: VersionCheck::Required }
}

#[expect(clippy::needless_pass_by_value, reason = "it stands where others need it")]
fn ready(folder: PathBuf, _: PackageManifest) -> BoxFuture<'static, Result<(), PackageError>> {
    fs::write(folder.join("ready"), "ready").unwrap();
    std::future::ready(Ok(())).boxed()
}

fn none() -> Capabilities {
    Capabilities::default()
}

fn both(version: &str) -> (String, String) {
    (version.to_owned(), version.to_owned())
}

#[tokio::test]
async fn a_package_is_looked_at_before_it_is_installed() {
    let scene = Scene::new().await;
    let staged = scene.staged("1.0.0", "").await;
    assert_eq!(staged.manifest().name, "dice");
    assert_eq!(staged.documents().readme.as_deref(), Some("# Dice"));
    assert_eq!(scene.whole().await, None);
    let again = scene.staged("1.0.0", "").await;
    assert_eq!(staged.digest(), again.digest());
    let folder = again.folder();
    drop(again);
    for _ in 0..500 {
        if !folder.exists() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert!(!folder.exists() && staged.folder().exists());
    staged.discard().await;
    assert_eq!(scene.folders(), Vec::<String>::new());
}

#[tokio::test]
async fn a_package_is_installed_updated_and_removed() {
    let scene = Scene::new().await;
    let first = scene.install("1.0.0", "", none()).await;
    assert_eq!(first.former, None);
    assert_eq!(scene.whole().await, Some(both("1.0.0")));
    let second = scene.install("2.0.0", "", none()).await;
    assert_eq!(second.former.as_ref(), Some(&first.row));
    assert_eq!(scene.whole().await, Some(both("2.0.0")));
    assert_eq!(scene.folders(), [second.row.folder.as_str()]);
    // The same package again is an update as well.
    let third = scene.install("2.0.0", "", none()).await;
    assert_eq!(scene.folders(), [third.row.folder.as_str()]);
    let removed = scene.store.remove("dice", RemovedData::Kept).await.unwrap();
    assert_eq!(removed, third.row);
    assert_eq!(scene.folders(), Vec::<String>::new());
    let error = scene.store.remove("dice", RemovedData::Kept).await.unwrap_err();
    assert_eq!(error.kind(), PackageErrorKind::Unknown);
}

#[tokio::test]
async fn an_update_keeps_the_grants_and_adds_none() {
    let scene = Scene::new().await;
    let asked = "[capabilities]\nkv = true\nhosts = [\"a.example\"]";
    let kv = Capabilities { kv: true, ..none() };
    // More than was asked for is not granted, whoever says so.
    let grants = Capabilities { send: true, ..kv.clone() };
    let first = scene.install("1.0.0", asked, grants).await;
    assert_eq!(first.row.grants, json!(kv));
    assert_eq!(first.not_granted, Capabilities { hosts: vec!["a.example".into()], ..none() });

    let more = "[capabilities]\nkv = true\nsend = true";
    let all = Capabilities::all();
    let second = scene.install("2.0.0", more, all.clone()).await;
    assert_eq!(second.row.grants, json!(kv));
    assert_eq!(second.not_granted, Capabilities { send: true, ..none() });

    // What is no longer asked for is no longer granted, also when it is asked for again.
    scene.install("3.0.0", "", all.clone()).await;
    let fourth = scene.install("4.0.0", more, all).await;
    assert_eq!(fourth.row.grants, json!(none()));
}

#[tokio::test]
async fn a_package_for_other_versions_is_refused_unless_it_is_wanted_all_the_same() {
    let scene = Scene::new().await;
    let other = "firstlight = \">=99\"";
    let staged = scene.staged("1.0.0", other).await;
    let terms = terms(&staged, none());
    let error = scene.store.install(staged, terms.clone(), ready).await.unwrap_err();
    assert_eq!(error.kind(), PackageErrorKind::Incompatible);
    let staged = scene.staged("1.0.0", other).await;
    let terms = InstallTerms { version_check: VersionCheck::Waived, ..terms };
    scene.store.install(staged, terms, ready).await.unwrap();
    assert_eq!(scene.whole().await, Some(both("1.0.0")));
}

#[tokio::test]
async fn what_cannot_be_made_ready_leaves_everything_as_it_was() {
    let scene = Scene::new().await;
    scene.install("1.0.0", "", none()).await;
    let staged = scene.staged("2.0.0", "").await;
    let terms = terms(&staged, none());
    let broken = |folder: PathBuf, manifest: PackageManifest| {
        fs::write(folder.join("ready"), &manifest.name).unwrap();
        std::future::ready(Err(PackageError::Preparation("it does not compile".to_owned()))).boxed()
    };
    let error = scene.store.install(staged, terms, broken).await.unwrap_err();
    assert_eq!(error.kind(), PackageErrorKind::Invalid);
    assert_eq!(scene.whole().await, Some(both("1.0.0")));
}

#[tokio::test]
async fn a_package_without_what_its_manifest_names_is_refused() {
    let scene = Scene::new().await;
    let page = "[[pages]]\nname = \"map\"\ntitle = \"Map\"\npath = \"pages/map\"";
    for (more, removed, expected) in [
        ("", "plugin.toml", "there is no plugin.toml"),
        ("", "plugin.wasm", "plugin.wasm is named"),
        (page, "README.md", "pages/map/index.html is named"),
    ] {
        let from = tempfile::tempdir().unwrap();
        write_package(from.path(), "1.0.0", more);
        fs::remove_file(from.path().join(removed)).unwrap();
        let path = from.path().to_owned();
        let error = scene.store.stage(PackageSource::Folder { path }).await.unwrap_err();
        assert!(error.to_string().starts_with(expected), "{error}");
        assert_eq!(error.kind(), PackageErrorKind::Invalid);
    }
    assert_eq!(scene.folders(), Vec::<String>::new());
}

#[tokio::test]
async fn a_package_comes_from_an_archive_an_address_or_a_repository() {
    let from = tempfile::tempdir().unwrap();
    write_package(from.path(), "1.0.0", "");
    let read = |name: &str| fs::read(from.path().join(name)).unwrap();
    let files = ["plugin.toml", "plugin.wasm", "README.md"].map(|name| (name, read(name)));
    let files = files.each_ref().map(|(name, content)| (*name, content.as_slice()));
    let zip = archive(&files);
    let sha256 = hex::encode(Sha256::digest(&zip));
    let served = zip.clone();
    let host = serve(move |_| (200, vec![], served.clone()));
    let scene = Scene::with(vec![host.clone()]).await;

    let path = from.path().join("a.zip");
    fs::write(&path, &zip).unwrap();
    let name = "dice.zip".to_owned();
    let upload = PackageSource::Archive { path: path.clone(), name: name.clone() };
    let upload = scene.store.stage(upload).await.unwrap();
    assert_eq!(upload.origin(), &PackageOrigin::Upload { name });
    fs::remove_file(path).unwrap();

    let url = format!("http://{host}/dice.zip");
    for (pin, pinned) in [(None, false), (Some(sha256.clone()), true)] {
        let source = PackageSource::Url { url: url.clone(), sha256: pin };
        let download = scene.store.stage(source).await.unwrap();
        let (url, sha256) = (url.clone(), sha256.clone());
        assert_eq!(download.origin(), &PackageOrigin::Url { url, sha256, pinned });
        assert_eq!(download.digest(), upload.digest());
    }
    let other = PackageSource::Url { url, sha256: Some("00".repeat(32)) };
    let error = scene.store.stage(other).await.unwrap_err();
    assert_eq!(error.kind(), PackageErrorKind::Checksum);

    let url = repository(from.path(), &[]);
    let source = PackageSource::Git { url: url.clone(), branch: None };
    let clone = scene.store.stage(source).await.unwrap();
    assert!(matches!(clone.origin(), PackageOrigin::Git { commit, .. } if commit.len() == 40));
    assert_eq!(clone.digest(), upload.digest());
}

#[tokio::test]
async fn nothing_is_downloaded_from_a_private_host() {
    let scene = Scene::new().await;
    for url in ["https://127.0.0.1/a.zip", "https://localhost/a.zip", "https://[fd00::1]/a.zip"] {
        let source = PackageSource::Url { url: url.to_owned(), sha256: None };
        let error = scene.store.stage(source).await.unwrap_err();
        assert_eq!(error.kind(), PackageErrorKind::Address, "{url}: {error}");
    }
}

#[tokio::test]
async fn two_updates_at_once_follow_each_other() {
    let scene = Scene::new().await;
    scene.install("1.0.0", "", none()).await;
    let (second, third) =
        tokio::join!(scene.install("2.0.0", "", none()), scene.install("3.0.0", "", none()));
    let former = [&second, &third].map(|installed| installed.former.as_ref().unwrap());
    assert_ne!(former[0].folder, former[1].folder);
    let (version, code) = scene.whole().await.unwrap();
    assert_eq!(version, code);
    assert_eq!(scene.folders().len(), 1);
}

/// Whoever asked for the update hangs up, after each number of polls that it may take.
#[tokio::test]
async fn an_update_that_is_dropped_at_any_moment_leaves_one_plugin_whole() {
    let mut scene = Scene::new().await;
    scene.install("1.0.0", "", none()).await;
    let mut expected = "1.0.0".to_owned();
    for polls in 1.. {
        let version = format!("2.0.{polls}");
        let staged = scene.staged(&version, "").await;
        let terms = terms(&staged, none());
        let mut update = Box::pin(scene.store.install(staged, terms, ready));
        let mut left = polls;
        let done = std::future::poll_fn(|context| match update.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending => {
                left -= 1;
                if left == 0 { Poll::Ready(None) } else { Poll::Pending }
            }
        });
        let done = done.await;
        drop(update);
        scene.next_start().await;
        let (found, code) = scene.whole().await.unwrap();
        assert_eq!(found, code);
        assert!(found == expected || found == version, "{polls} polls: {found}");
        expected = found;
        if let Some(installed) = done {
            assert_eq!(installed.unwrap().row.version, expected);
            assert!(polls > 4, "it was not dropped in between");
            break;
        }
    }
}

/// The gateway dies after each step of an update, and starts again.
#[tokio::test]
async fn a_kill_during_an_update_leaves_the_old_plugin_whole_or_the_new_one() {
    for step in 0..=4 {
        let mut scene = Scene::new().await;
        let first = scene.install("1.0.0", "", none()).await;
        let staged = scene.staged("2.0.0", "").await;
        ready(staged.folder(), staged.manifest().clone()).await.unwrap();
        let terms = terms(&staged, none());
        let expected = match step {
            // Half unpacked.
            0 => {
                fs::remove_file(staged.folder().join("plugin.wasm")).unwrap();
                std::mem::forget(staged);
                "1.0.0"
            }
            // Staged.
            1 => {
                std::mem::forget(staged);
                "1.0.0"
            }
            // Moved, and no row.
            2 => {
                let folder = package_folder("dice", staged.digest());
                scene.store.move_in(staged, &folder).await.unwrap();
                "1.0.0"
            }
            // The row written, and the old folder still there.
            3 => {
                scene.store.switch(staged, terms, ready).await.unwrap();
                "2.0.0"
            }
            // The old folder half gone.
            _ => {
                scene.store.switch(staged, terms, ready).await.unwrap();
                fs::remove_file(first.folder.join("plugin.wasm")).unwrap();
                "2.0.0"
            }
        };
        let swept = scene.next_start().await;
        assert_eq!(scene.whole().await, Some(both(expected)), "step {step}");
        assert_eq!(scene.folders().len(), 1, "step {step}");
        assert_eq!(swept.removed.len(), usize::from(step >= 2), "step {step}");
        assert_eq!(scene.next_start().await, Swept::default());
    }
}

#[tokio::test]
async fn a_kill_during_a_removal_leaves_the_plugin_whole_or_nothing_of_it() {
    for data in [RemovedData::Kept, RemovedData::Deleted] {
        let mut scene = Scene::new().await;
        scene.install("1.0.0", "", none()).await;
        let folder = scene.store.data_folder("dice");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("scores"), "1").unwrap();
        // The row gone, and all files still there.
        scene.database.installed_plugins().remove("dice", data).await.unwrap();
        assert_eq!(scene.next_start().await.removed.len(), 1);
        assert_eq!(scene.whole().await, None);
        assert_eq!(scene.folders(), Vec::<String>::new());
        assert_eq!(folder.exists(), data == RemovedData::Kept);
        assert_eq!(scene.next_start().await, Swept::default());
    }
}

#[tokio::test]
async fn data_is_removed_when_that_is_wished_and_not_of_the_next_plugin_of_that_name() {
    let mut scene = Scene::new().await;
    scene.install("1.0.0", "", none()).await;
    let folder = scene.store.data_folder("dice");
    fs::create_dir_all(&folder).unwrap();
    scene.store.remove("dice", RemovedData::Kept).await.unwrap();
    assert!(folder.exists());

    scene.install("1.0.0", "", none()).await;
    // A kill, and a new installation before any sweep.
    scene.database.installed_plugins().remove("dice", RemovedData::Deleted).await.unwrap();
    scene.install("1.0.0", "", none()).await;
    assert!(!folder.exists());
    fs::create_dir_all(&folder).unwrap();
    scene.next_start().await;
    assert!(folder.exists());
    scene.store.remove("dice", RemovedData::Deleted).await.unwrap();
    assert!(!folder.exists());
}

#[tokio::test]
async fn what_cannot_be_removed_holds_nothing_else_up() {
    let mut scene = Scene::new().await;
    scene.install("1.0.0", "", none()).await;
    let folder = scene.store.data_folder("dice");
    fs::create_dir_all(folder.parent().unwrap()).unwrap();
    // In the place of the folder, and no folder.
    fs::write(&folder, "x").unwrap();
    scene.store.remove("dice", RemovedData::Deleted).await.unwrap();
    fs::create_dir(scene.plugins().join(package_folder("weather", &"0".repeat(64)))).unwrap();
    let swept = scene.next_start().await;
    assert_eq!((swept.stuck, swept.removed.len()), (vec!["dice".into()], 1));
    fs::remove_file(&folder).unwrap();
    assert_eq!(scene.next_start().await, Swept::default());
}

#[tokio::test]
async fn what_somebody_else_put_there_is_left_alone_and_a_missing_folder_is_told() {
    let mut scene = Scene::new().await;
    let installed = scene.install("1.0.0", "", none()).await;
    fs::create_dir(scene.plugins().join("mine")).unwrap();
    fs::create_dir(scene.plugins().join(".market")).unwrap();
    fs::remove_dir_all(&installed.folder).unwrap();
    let swept = scene.next_start().await;
    assert_eq!((swept.missing, swept.foreign), (vec!["dice".into()], vec!["mine".into()]));
    let package = scene.store.find("dice").await.unwrap().unwrap();
    assert!(matches!(package.content, PackageContent::Missing));
    // It can be installed again, and removed.
    scene.install("1.0.1", "", none()).await;
    assert_eq!(scene.whole().await, Some(both("1.0.1")));
    assert_eq!(scene.store.list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn installing_can_be_left_to_a_task_of_its_own() {
    fn sends<T: Send>(task: T) -> T {
        task
    }
    let scene = Scene::new().await;
    let staged = scene.staged("1.0.0", "").await;
    let (terms, store) = (terms(&staged, none()), scene.store.clone());
    let said = "ready".to_owned();
    let prepare = |folder: PathBuf, manifest: PackageManifest| {
        let prepared = async move {
            tokio::fs::write(folder.join(&said), &said).await.unwrap();
            assert_eq!(manifest.name, "dice");
            Ok(())
        };
        prepared.boxed()
    };
    sends(store.install(staged, terms, prepare)).await.unwrap();
    assert_eq!(scene.whole().await, Some(both("1.0.0")));
}
