//! Installing, changing, listing, and the market.

use std::io::{Cursor, Write as _};

use serde_json::{Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::support::{
    BROKEN, GREETER, change, end, file, greeter, has_command, listed, package, read, refusal,
    upload, write, zip,
};
use crate::routes::TABLE;
use crate::testing::{Phase, app_in, data, post, send, signed};

#[actix_web::test]
async fn a_plugin_is_installed_only_once_the_operator_has_said_what_it_may() {
    let app = app_in(Phase::Ready).await;
    let archive = zip(&greeter());
    let asked = upload(&app, &archive, &[]).await;
    assert_eq!((asked.status, &asked.body["status"]), (200, &json!("warning")), "{}", asked.body);
    let warning = &asked.body["data"];
    assert_eq!(warning["warning_type"], "plugin_capabilities");
    assert_eq!((&warning["can_ignore"], &warning["lane"]), (&json!(true), &json!("process")));
    assert_eq!((&warning["name"], &warning["version"]), (&json!("greeter"), &json!("1.0.0")));
    assert_eq!(warning["capabilities"]["kv"], true);
    assert_eq!(warning["about"][0]["capability"], "kv");
    assert_eq!(warning["about"].as_array().unwrap().len(), 3);
    assert!(!warning["limits"].as_array().unwrap().is_empty());
    assert!(asked.body["message"].as_str().unwrap().contains("kv, routes, pages"));
    assert!(listed(&app, "greeter").await.is_none());

    let grants = r#"{"kv": true, "send": true, "pages": true}"#;
    let installed = data(upload(&app, &archive, &[("grants", grants)]).await);
    assert_eq!(installed["name"], "greeter");
    assert_eq!(installed["repo"], "https://example.org/greeter");
    assert_eq!(installed["readme"], "# Greeter");
    assert_eq!(installed["not_granted"]["routes"], true);
    assert!(has_command(&app, "greeter", "greet").await);
    let shown = listed(&app, "greeter").await.unwrap();
    assert_eq!(shown["capabilities"]["granted"]["kv"], true);
    // Not asked for, so not granted.
    assert_eq!(shown["capabilities"]["granted"]["send"], false);
    assert_eq!(shown["capabilities"]["withheld"].as_array().unwrap().len(), 1);
    assert_eq!(app.plugins.changes().get("greeter").map(|c| c.error.clone()), Some(None));

    data(change(&app, "off", json!({"name": "greeter"})).await);
    let off = listed(&app, "greeter").await.unwrap();
    assert_eq!((&off["activated"], &off["health"]), (&json!(false), &Value::Null));
    assert!(!has_command(&app, "greeter", "greet").await);
    // What is set meanwhile counts when it comes back.
    data(change(&app, "grants", json!({"name": "greeter", "grants": "all"})).await);
    let saved = post(&app, "/api/config/plugin/update?plugin_name=greeter", json!({"word": "hi"}));
    data(saved.await);
    data(change(&app, "on", json!({"name": "greeter"})).await);
    assert!(has_command(&app, "greeter", "greet").await);
    let said = send(&app, &TABLE, signed("/api/plug/greeter/say")).await;
    assert_eq!((said.status, &*said.bytes), (200, &b"said"[..]));

    let body = json!({"name": "greeter", "delete_data": true, "delete_config": true});
    data(change(&app, "uninstall", body).await);
    assert!(listed(&app, "greeter").await.is_none());
    assert!(!has_command(&app, "greeter", "greet").await);
    let config = send(&app, &TABLE, signed("/api/config/get?plugin_name=greeter")).await;
    assert_eq!(data(config)["config"], Value::Null);
    assert_eq!(refusal(&change(&app, "uninstall", json!({"name": "greeter"})).await), "not_found");
    end(&app).await;
}

#[actix_web::test]
async fn what_is_listed_has_the_members_of_the_contract_and_ours() {
    let app = app_in(Phase::Ready).await;
    data(upload(&app, &zip(&greeter()), &[("grants", "all")]).await);
    let shown = listed(&app, "greeter").await.unwrap();
    let expected = json!({"name": "greeter", "repo": "https://example.org/greeter",
        "author": "Ann", "desc": "Greets.", "version": "1.0.0", "reserved": false,
        "activated": true, "online_vesion": "", "display_name": "greeter",
        "support_platforms": [], "astrbot_version": ">=0.1", "lane": "process",
        "log_level": null, "log_dropped": 0,
        "pages": [{"name": "main", "title": "Greetings"}]});
    for (member, value) in expected.as_object().unwrap() {
        assert_eq!(&shown[member], value, "{member}");
    }
    let handler = &shown["handlers"][0];
    let expected = json!({"event_type": "command", "event_type_h": "command",
        "handler_full_name": "greeter.greet", "desc": "Greets.", "handler_name": "greet",
        "cmd": "greet", "type": "command", "has_admin": false});
    assert_eq!(handler, &expected);
    assert_eq!(shown["origin"]["method"], "upload");
    assert_eq!(shown["digest"].as_str().unwrap().len(), 64);
    assert!(shown["installed_at"].as_str().unwrap().ends_with('Z'));
    assert_eq!(
        (&shown["health"]["breaker"], &shown["health"]["faults"]),
        (&json!("closed"), &json!(0))
    );
    assert!(shown["usage"]["memory"].is_u64());
    // The picture is there each time, not once.
    for _ in 0..2 {
        let logo = send(&app, &TABLE, signed(shown["logo"].as_str().unwrap())).await;
        assert_eq!(
            (logo.status, logo.headers.get("content-type").unwrap()),
            (200, &"image/png".parse().unwrap())
        );
    }
    let all = data(read(&app, "get").await);
    let own = all.as_array().unwrap().iter().find(|p| p["name"] == "runtime-status").unwrap();
    assert_eq!((&own["lane"], &own["origin"]), (&json!("compiled-in"), &Value::Null));
    assert_eq!((&own["logo"], &own["usage"]), (&Value::Null, &Value::Null));

    let detail = data(read(&app, "detail?name=greeter").await);
    assert_eq!((&detail["readme"], &detail["settings"]), (&json!(true), &json!(true)));
    assert_eq!((&detail["failed"], &detail["name"]), (&Value::Null, &json!("greeter")));
    assert_eq!(data(read(&app, "readme?name=greeter").await)["content"], "# Greeter");
    assert_eq!(data(read(&app, "changelog?name=greeter").await)["content"], "## 1.0.0");
    for row in ["readme", "changelog"] {
        assert_eq!(refusal(&read(&app, row).await), "invalid");
        assert_eq!(refusal(&read(&app, &format!("{row}?name=nobody")).await), "not_found");
        let own = read(&app, &format!("{row}?name=runtime-status")).await;
        assert_eq!(refusal(&own), "not_found");
    }
    let changes = data(read(&app, "changes").await);
    assert_eq!(changes["greeter"]["stage"], "done");
    end(&app).await;
}

#[actix_web::test]
async fn the_operator_sets_budgets_grants_and_the_level_of_the_log() {
    let app = app_in(Phase::Ready).await;
    data(upload(&app, &zip(&greeter()), &[("grants", "{}")]).await);
    let body = json!({"name": "greeter", "budgets": {"cpu-ms": 700}});
    data(change(&app, "budgets", body).await);
    data(change(&app, "log-level", json!({"name": "greeter", "level": "debug"})).await);
    let body = json!({"name": "greeter", "grants": {"routes": true, "send": true}});
    data(change(&app, "grants", body).await);
    let shown = listed(&app, "greeter").await.unwrap();
    assert_eq!(shown["budgets"]["given"], json!({"cpu-ms": 700}));
    assert_eq!(shown["log_level"], "debug");
    let granted = &shown["capabilities"]["granted"];
    assert_eq!((&granted["routes"], &granted["send"]), (&json!(true), &json!(false)));
    assert!(data(read(&app, "logs?name=greeter").await)["lines"].is_array());
    data(change(&app, "log-level", json!({"name": "greeter", "level": null})).await);
    assert_eq!(listed(&app, "greeter").await.unwrap()["log_level"], Value::Null);

    let named = |name: &str, member: &str, value: Value| json!({"name": name, member: value});
    for (row, body, status, code) in [
        ("grants", named("greeter", "grants", json!({"root": true})), 400, "invalid"),
        ("grants", json!({"name": "greeter"}), 400, "invalid"),
        ("grants", named("nobody", "grants", json!("all")), 404, "not_found"),
        ("grants", named("runtime-status", "grants", json!("all")), 403, "plugin_reserved"),
        ("budgets", named("greeter", "budgets", json!({"cpu": 1})), 400, "body_invalid"),
        ("budgets", named("nobody", "budgets", json!({})), 404, "not_found"),
        ("log-level", named("greeter", "level", json!("loud")), 400, "invalid"),
        ("log-level", named("", "level", json!("info")), 400, "invalid"),
    ] {
        let seen = change(&app, row, body.clone()).await;
        assert_eq!((seen.status, seen.code.as_str()), (status, code), "{row} {body}");
    }
    let missing = read(&app, "logs?name=nobody").await;
    assert_eq!((missing.status, missing.code.as_str()), (404, "not_found"));
    end(&app).await;
}

#[actix_web::test]
async fn a_package_for_other_versions_is_installed_when_the_operator_insists() {
    let app = app_in(Phase::Ready).await;
    let mut files = package("greeter", GREETER, "firstlight = \">=99\"");
    files[0].1.extend_from_slice(b"[capabilities]\nkv = true\n");
    let archive = zip(&files);
    let warned = upload(&app, &archive, &[("grants", "all")]).await;
    assert_eq!(warned.body["status"], "warning");
    let warning = &warned.body["data"];
    assert_eq!(warning["warning_type"], "astrbot_version_incompatible");
    assert_eq!(
        (&warning["can_ignore"], &warning["astrbot_version"]),
        (&json!(true), &json!(">=99"))
    );
    // The version goes first, then what it asks for.
    let insisted = ("ignore_version_check", "true");
    let warned = upload(&app, &archive, &[insisted]).await;
    assert_eq!(warned.body["data"]["warning_type"], "plugin_capabilities");
    data(upload(&app, &archive, &[insisted, ("grants", "{}")]).await);
    let shown = listed(&app, "greeter").await.unwrap();
    assert_eq!((&shown["activated"], &shown["astrbot_version"]), (&json!(true), &json!(">=99")));
    data(change(&app, "reload", json!({"name": "greeter"})).await);
    end(&app).await;
}

#[actix_web::test]
async fn what_is_no_package_is_refused_with_a_code_and_leaves_nothing() {
    let app = app_in(Phase::Ready).await;
    let mut bomb = ZipWriter::new(Cursor::new(Vec::new()));
    bomb.start_file("plugin.toml", SimpleFileOptions::default()).unwrap();
    bomb.write_all(&vec![b' '; 16 << 20]).unwrap();
    let bomb = bomb.finish().unwrap().into_inner();
    let mut escape = package("greeter", GREETER, "");
    escape.push(file("../escaped.txt", "x"));
    let nothing = zip(&vec![file("readme.txt", "x")]);
    for archive in [bomb, zip(&escape), nothing, b"no zip".to_vec()] {
        let refused = upload(&app, &archive, &[]).await;
        assert_eq!(refusal(&refused), "package_refused");
    }
    assert_eq!(refusal(&upload(&app, b"", &[]).await), "invalid");
    let wrong = upload(&app, &zip(&greeter()), &[("grants", "everything")]).await;
    assert_eq!(refusal(&wrong), "invalid");
    let plugins = app.settings.data_dir.join("plugins");
    let left: Vec<_> =
        std::fs::read_dir(&plugins).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, [".staging"]);
    assert!(!plugins.join("escaped.txt").exists());
    for (body, code) in [
        (json!({}), "invalid"),
        (json!({"url": "http://example.org/a.zip"}), "invalid"),
        (json!({"url": "https://127.0.0.1/a.zip"}), "invalid"),
        (json!({"url": "https://example.org/a.zip", "branch": "x"}), "invalid"),
        (json!({"url": "https://github.com/a/b", "sha256": "0".repeat(64)}), "invalid"),
        (json!({"folder": "relative"}), "invalid"),
    ] {
        assert_eq!(refusal(&change(&app, "install", body.clone()).await), code, "{body}");
    }
}

#[actix_web::test]
async fn several_are_updated_and_each_says_what_became_of_it() {
    let app = app_in(Phase::Ready).await;
    let place = tempfile::tempdir().unwrap();
    let folder = write(&package("greeter", GREETER, ""), &place.path().join("greeter"));
    let body = json!({"folder": folder, "proxy": "http://127.0.0.1:1"});
    let installed = change(&app, "install", body).await;
    assert!(installed.body["message"].as_str().unwrap().contains("proxy"));
    data(installed);
    data(upload(&app, &zip(&package("sent", GREETER, "")), &[]).await);

    let code = GREETER.replace("1.0.0", "1.1.0");
    let mut newer = package("greeter", &code, "");
    let toml = String::from_utf8(newer[0].1.clone()).unwrap().replace("1.0.0", "1.1.0");
    newer[0].1 = format!("{toml}\n[capabilities]\nkv = true\n").into_bytes();
    write(&newer, &folder);
    let body = json!({"names": ["greeter", "sent", "nobody", "greeter"]});
    let results = data(change(&app, "update-all", body).await)["results"].clone();
    let of = |at: usize| {
        (results[at]["name"].as_str().unwrap(), results[at]["status"].as_str().unwrap())
    };
    assert_eq!(results.as_array().unwrap().len(), 3);
    assert_eq!([of(0), of(1), of(2)], [("greeter", "ok"), ("sent", "error"), ("nobody", "error")]);
    let said = results[0]["message"].as_str().unwrap();
    assert!(said.contains("1.1.0") && said.contains("more than it is allowed: kv"), "{said}");
    let shown = listed(&app, "greeter").await.unwrap();
    assert_eq!(
        (&shown["version"], &shown["capabilities"]["granted"]["kv"]),
        (&json!("1.1.0"), &json!(false))
    );

    let sent = change(&app, "update", json!({"name": "sent"})).await;
    assert_eq!(refusal(&sent), "plugin_origin_unknown");
    assert_eq!(refusal(&change(&app, "update-all", json!({"names": []})).await), "invalid");
    // One that does not start leaves the one before.
    write(&package("greeter", BROKEN, ""), &folder);
    let refused = change(&app, "update", json!({"name": "greeter"})).await;
    assert_eq!(refusal(&refused), "package_refused");
    assert_eq!(listed(&app, "greeter").await.unwrap()["version"], "1.1.0");
    for row in ["off", "uninstall"] {
        let own = change(&app, row, json!({"name": "runtime-status"})).await;
        assert_eq!(refusal(&own), "plugin_reserved", "{row}");
        assert_eq!(refusal(&change(&app, row, json!({})).await), "invalid");
    }
    end(&app).await;
}

#[actix_web::test]
async fn one_that_another_needs_is_neither_disabled_nor_removed() {
    let app = app_in(Phase::Ready).await;
    data(upload(&app, &zip(&package("ground", GREETER, "")), &[]).await);
    let mut needs = package("needs", GREETER, "");
    needs[0].1.extend_from_slice(b"[dependencies]\nground = \">=1\"\n");
    data(upload(&app, &zip(&needs), &[]).await);
    for row in ["off", "uninstall"] {
        let seen = change(&app, row, json!({"name": "ground"})).await;
        assert_eq!(refusal(&seen), "plugin_needed", "{row}");
    }
    let detail = data(read(&app, "detail?name=needs").await);
    assert_eq!(detail["dependencies"], json!({"ground": ">=1"}));
    end(&app).await;
}

#[actix_web::test]
async fn the_settings_of_an_installed_plugin_have_its_form_and_its_defaults() {
    let app = app_in(Phase::Ready).await;
    data(upload(&app, &zip(&greeter()), &[("grants", "all")]).await);
    let path = "/api/config/get?plugin_name=greeter";
    let first = data(send(&app, &TABLE, signed(path)).await);
    assert_eq!(first["metadata"]["greeter"]["word"]["default"], "hello");
    assert_eq!(first["config"], json!({"word": "hello", "key": ""}));
    let save = "/api/config/plugin/update?plugin_name=greeter";
    data(post(&app, save, json!({"word": "hi", "key": "sk-0123456789abcdef"})).await);
    let saved = data(send(&app, &TABLE, signed(path)).await);
    assert_eq!(saved["config"], json!({"word": "hi", "key": "••••cdef"}));
    data(post(&app, save, saved["config"].clone()).await);
    let wrong = post(&app, save, json!({"word": 7})).await;
    assert_eq!(refusal(&wrong), "invalid");
    end(&app).await;
    // The form is there without a runtime, and before any has read what is installed.
    let stopped = data(send(&app, &TABLE, signed(path)).await);
    assert_eq!(stopped["metadata"]["greeter"]["key"]["secret"], true);
}

#[actix_web::test]
async fn the_market_says_what_it_has_and_sources_are_kept() {
    let app = app_in(Phase::Ready).await;
    let none = read(&app, "market_list").await;
    assert!(none.body["message"].as_str().unwrap().contains("plugin source"));
    assert_eq!(data(none), json!({}));
    let private = read(&app, "market_list?custom_registry=https://127.0.0.1/a.json").await;
    assert_eq!(refusal(&private), "invalid");
    let path = "market_list?custom_registry=https://nowhere.invalid/a.json&force_refresh=true";
    assert_eq!(refusal(&read(&app, path).await), "unreachable");

    assert_eq!(data(read(&app, "source/get").await), json!([]));
    let sources = json!([{"name": "mine", "url": "https://example.org/plugins.json"}]);
    data(change(&app, "source/save", json!({"sources": sources})).await);
    assert_eq!(data(read(&app, "source/get").await), sources);
    let many = json!({"sources": vec![json!({}); 101]});
    assert_eq!(refusal(&change(&app, "source/save", many).await), "invalid");

    let fits = data(change(&app, "check-compat", json!({"astrbot_version": ">=0.1"})).await);
    assert_eq!(fits, json!({"compatible": true, "message": "", "astrbot_version": ">=0.1"}));
    let other = data(change(&app, "check-compat", json!({"astrbot_version": ">=99"})).await);
    assert_eq!(other["compatible"], false);
    assert!(other["message"].as_str().unwrap().contains(">=99"));
}

#[actix_web::test]
async fn a_web_route_that_is_not_there_is_a_refusal_of_the_second_envelope() {
    let app = app_in(Phase::Ready).await;
    let missing = send(&app, &TABLE, signed("/api/plug/nobody/say")).await;
    assert_eq!((refusal(&missing), &missing.body["data"]), ("not_found", &json!({})));
}
