//! Pages of plugins, for frames that send no cookie.

use actix_web::http::header::HeaderValue;
use serde_json::json;

use super::support::{change, end, greeter, read, upload, zip};
use crate::routes::TABLE;
use crate::testing::{Phase, Seen, app_in, data, get, send};

fn header(seen: &Seen, name: &str) -> String {
    seen.headers.get(name).map(|v: &HeaderValue| v.to_str().unwrap().to_owned()).unwrap_or_default()
}

#[actix_web::test]
async fn a_page_is_served_to_who_has_a_token_for_it_and_to_nobody_else() {
    let app = app_in(Phase::Ready).await;
    data(upload(&app, &zip(&greeter()), &[("grants", "all")]).await);
    let page = json!({"plugin": "greeter", "page": "main"});
    let made = data(change(&app, "page-token", page.clone()).await);
    assert_eq!(made["expires_in"], 60);
    let url = made["url"].as_str().unwrap();
    assert!(url.contains(made["token"].as_str().unwrap()));

    let index = send(&app, &TABLE, get(url)).await;
    assert_eq!(index.status, 200);
    assert!(String::from_utf8_lossy(&index.bytes).contains("page.js"));
    assert_eq!(header(&index, "content-type"), "text/html; charset=utf-8");
    assert_eq!(header(&index, "cache-control"), "no-store");
    assert_eq!(header(&index, "x-content-type-options"), "nosniff");
    assert_eq!(header(&index, "referrer-policy"), "no-referrer");
    assert_eq!(header(&index, "x-frame-options"), "SAMEORIGIN");
    assert_eq!(header(&index, "cross-origin-resource-policy"), "cross-origin");
    assert_eq!(header(&index, "content-disposition"), "");
    let policy = header(&index, "content-security-policy");
    for part in [
        "sandbox allow-scripts",
        "default-src 'none'",
        "script-src 'self';",
        "frame-ancestors 'self'",
        "object-src 'none'",
        "base-uri 'self'",
    ] {
        assert!(policy.contains(part), "{part} in {policy}");
    }
    assert!(!policy.contains("allow-same-origin"));
    let script = send(&app, &TABLE, get(&format!("{url}page.js"))).await;
    assert_eq!(
        (script.status, header(&script, "content-type").as_str()),
        (200, "text/javascript; charset=utf-8")
    );

    for tail in [
        "none.js",
        "../secret.txt",
        "..%2fsecret.txt",
        "%2e%2e/secret.txt",
        "..%5csecret.txt",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "page.js%00",
        "../main/page.js",
    ] {
        let seen = send(&app, &TABLE, get(&format!("{url}{tail}"))).await;
        assert!(matches!(seen.status, 400 | 401 | 404), "{tail}: {}", seen.status);
        assert!(!String::from_utf8_lossy(&seen.bytes).contains("not of the page"));
    }
    let token = made["token"].as_str().unwrap();
    for other in [
        "wrong/greeter/main/".to_owned(),
        format!("{token}/greeter/other/"),
        format!("{token}/runtime-status/main/"),
    ] {
        let seen = send(&app, &TABLE, get(&format!("/api/plugin/page-content/{other}"))).await;
        assert_eq!((seen.status, seen.code.as_str()), (401, "unauthenticated"), "{other}");
    }
    end(&app).await;
}

#[actix_web::test]
async fn a_page_is_shown_only_while_its_plugin_may() {
    let app = app_in(Phase::Ready).await;
    data(upload(&app, &zip(&greeter()), &[("grants", "all")]).await);
    let page = json!({"plugin": "greeter", "page": "main"});
    let url = data(change(&app, "page-token", page.clone()).await)["url"].clone();
    let seen = read(&app, "page/greeter/main/").await;
    assert_eq!(seen.status, 200);
    let nobody = send(&app, &TABLE, get("/api/plugin/page/greeter/main/")).await;
    assert_eq!((nobody.status, nobody.code.as_str()), (401, "unauthenticated"));
    data(change(&app, "grants", json!({"name": "greeter", "grants": {}})).await);
    for path in [url.as_str().unwrap(), "/api/plugin/page/greeter/main/"] {
        let seen = send(&app, &TABLE, crate::testing::signed(path)).await;
        assert_eq!((seen.status, seen.code.as_str()), (404, "not_found"), "{path}");
    }
    let refused = change(&app, "page-token", page).await;
    assert_eq!((refused.status, refused.code.as_str()), (404, "not_found"));
    let missing = change(&app, "page-token", json!({"plugin": "greeter"})).await;
    assert_eq!((missing.status, missing.code.as_str()), (400, "invalid"));
    end(&app).await;
}

#[actix_web::test]
async fn the_bridge_is_served_to_frames_in_every_phase() {
    let app = app_in(Phase::Failed).await;
    let seen = send(&app, &TABLE, get("/api/plugin/page/bridge-sdk.js")).await;
    assert_eq!(seen.status, 200);
    assert_eq!(header(&seen, "content-type"), "text/javascript; charset=utf-8");
    assert_eq!(header(&seen, "cross-origin-resource-policy"), "cross-origin");
    assert!(String::from_utf8_lossy(&seen.bytes).contains("FirstlightPluginPage"));
}
