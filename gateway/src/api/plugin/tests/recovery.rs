//! Plugins that failed: shown, repaired and removed, with a runtime and without one.

use std::path::Path;
use std::sync::Arc;

use firstlight_runtime::plugins::{InstallTerms, PackageSource, VersionCheck};
use firstlight_runtime::plugins_api::Capabilities;
use serde_json::json;

use super::support::{
    Files, GREETER, change, end, has_command, listed, package, read, refusal, upload, write, zip,
};
use crate::app::App;
use crate::testing::{Phase, app_in, app_that_fails_once, data};

/// Says who it is, and ends when it is told to load.
const DIES: &str = "
import firstlight, sys
plugin = firstlight.Plugin('greeter', '1.0.0')

@plugin.on('load')
def load():
    import os
    print('the moon is missing', file=sys.stderr, flush=True)
    os._exit(3)

plugin.run()
";

/// Installs without a runtime, as the command line does.
async fn put(app: &Arc<App>, files: &Files, place: &Path) {
    let path = write(files, place);
    let staged = app.plugins.stage(PackageSource::Folder { path }).await.unwrap();
    let terms = InstallTerms {
        grants: Capabilities::default(),
        source: staged.origin().clone(),
        version_check: VersionCheck::Required,
    };
    app.plugins.install_idle(staged, terms).await.unwrap();
}

/// Corrects the code of an installed plugin where it lies.
fn repair(app: &App, name: &str) {
    let plugins = app.settings.data_dir.join("plugins");
    let mut folders = std::fs::read_dir(plugins).unwrap().map(|entry| entry.unwrap().path());
    let begins = format!("{name}-");
    let folder = folders
        .find(|path| path.file_name().unwrap().to_str().unwrap().starts_with(&begins))
        .unwrap();
    let code = GREETER.replace("'greeter'", &format!("'{name}'"));
    std::fs::write(folder.join("main.py"), code).unwrap();
}

#[actix_web::test]
async fn a_plugin_that_fails_is_listed_with_its_log_and_repaired_while_all_else_runs() {
    let app = app_in(Phase::Ready).await;
    let refused = upload(&app, &zip(&package("greeter", DIES, "")), &[]).await;
    assert_eq!(refusal(&refused), "plugin_failed");
    assert!(listed(&app, "greeter").await.is_none());
    let failed = data(read(&app, "source/get-failed-plugins").await);
    let record = &failed["greeter"];
    let expected = json!({"name": "greeter", "reserved": false, "author": "Ann",
        "desc": "Greets.", "version": "1.0.0", "repo": "https://example.org/greeter",
        "display_name": "greeter", "support_platforms": [], "astrbot_version": ""});
    for (member, value) in expected.as_object().unwrap() {
        assert_eq!(&record[member], value, "{member}");
    }
    assert!(record["hint"].as_str().unwrap().ends_with('.'));
    assert!(record["log"].to_string().contains("the moon is missing"), "{record}");
    assert!(!record["error"].as_str().unwrap().is_empty());
    let told = read(&app, "get").await;
    assert!(told.body["message"].as_str().unwrap().starts_with("greeter: "));
    let detail = data(read(&app, "detail?name=greeter").await);
    assert_eq!(
        (&detail["activated"], &detail["failed"]["name"]),
        (&json!(false), &json!("greeter"))
    );
    let log = data(read(&app, "logs?name=greeter").await);
    assert!(log["lines"].to_string().contains("the moon is missing"));

    let named = json!({"dir_name": "greeter"});
    assert_eq!(refusal(&change(&app, "reload-failed", named.clone()).await), "plugin_failed");
    repair(&app, "greeter");
    data(change(&app, "reload-failed", named.clone()).await);
    assert!(has_command(&app, "greeter", "greet").await);
    for row in ["reload-failed", "uninstall-failed"] {
        assert_eq!(refusal(&change(&app, row, named.clone()).await), "not_found");
        assert_eq!(refusal(&change(&app, row, json!({})).await), "invalid");
    }
    end(&app).await;
}

#[actix_web::test]
async fn what_failed_is_repaired_and_removed_after_the_runtime_failed_and_a_retry_succeeds() {
    let app = app_that_fails_once().await;
    let place = tempfile::tempdir().unwrap();
    for name in ["mended", "gone"] {
        put(&app, &package(name, DIES, ""), &place.path().join(name)).await;
    }
    let began = app.control.start().await.generation().unwrap();
    let settled = app.control.settled(began).await;
    assert_eq!(settled.state.name(), "runtime_failed");
    assert_eq!(read(&app, "get").await.code, "runtime_failed");

    let failed = data(read(&app, "source/get-failed-plugins").await);
    assert_eq!(failed.as_object().unwrap().len(), 2, "{failed}");
    assert!(failed["mended"]["log"].to_string().contains("the moon is missing"));
    let mended = json!({"dir_name": "mended"});
    assert_eq!(refusal(&change(&app, "reload-failed", mended.clone()).await), "plugin_failed");
    repair(&app, "mended");
    data(change(&app, "reload-failed", mended).await);
    let gone = json!({"dir_name": "gone", "delete_config": true, "delete_data": true});
    data(change(&app, "uninstall-failed", gone).await);
    assert_eq!(data(read(&app, "source/get-failed-plugins").await), json!({}));

    let began = app.control.retry().await.generation().unwrap();
    assert_eq!(app.control.settled(began).await.state.name(), "runtime_ready");
    assert!(has_command(&app, "mended", "greet").await);
    assert!(listed(&app, "gone").await.is_none());
    end(&app).await;
}

#[actix_web::test]
async fn what_is_installed_is_known_where_no_start_came_to_the_plugins() {
    let app = app_in(Phase::Ready).await;
    data(upload(&app, &zip(&super::support::greeter()), &[("grants", "all")]).await);
    end(&app).await;
    // As after a start that failed before it read what is installed.
    app.plugins.forget_what_was_read();
    assert!(!app.plugins.knows("greeter"));
    let detail = data(read(&app, "detail?name=greeter").await);
    assert_eq!((&detail["activated"], &detail["lane"]), (&json!(false), &json!("process")));
    data(change(&app, "grants", json!({"name": "greeter", "grants": {}})).await);
    let detail = data(read(&app, "detail?name=greeter").await);
    assert_eq!(detail["capabilities"]["granted"]["kv"], false);
}

#[actix_web::test]
async fn a_new_version_that_failed_on_reload_is_removed_with_the_one_that_runs() {
    let app = app_in(Phase::Ready).await;
    data(upload(&app, &zip(&package("greeter", GREETER, "")), &[]).await);
    let plugins = app.settings.data_dir.join("plugins");
    let folder = std::fs::read_dir(plugins).unwrap().map(|entry| entry.unwrap().path());
    let folder = folder.into_iter().find(|path| path.join("main.py").is_file()).unwrap();
    std::fs::write(folder.join("main.py"), DIES).unwrap();
    let reloaded = change(&app, "reload", json!({"name": "greeter"})).await;
    assert_eq!(refusal(&reloaded), "plugin_failed");
    assert!(has_command(&app, "greeter", "greet").await);
    assert_eq!(listed(&app, "greeter").await.unwrap()["activated"], true);
    data(change(&app, "uninstall-failed", json!({"dir_name": "greeter"})).await);
    assert!(!has_command(&app, "greeter", "greet").await);
    assert!(listed(&app, "greeter").await.is_none());
    end(&app).await;
}
