//! Lists of plugins from a real server, and when it is away.

use std::sync::Arc;

use firstlight_core::db::Database;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::market::{Market, MarketError, MarketState, compatibility};
use super::test_server::serve;
use super::web::WebError;

/// What the server has, and how often the list was given out.
#[derive(Default)]
struct Shelf {
    list: Option<Value>,
    md5: Option<&'static str>,
    etag: Option<&'static str>,
    given: usize,
}

struct Scene {
    _folder: TempDir,
    shelf: Arc<Mutex<Shelf>>,
    url: String,
    market: Market,
}

impl Scene {
    async fn new() -> Self {
        let shelf: Arc<Mutex<Shelf>> = Arc::default();
        let served = Arc::clone(&shelf);
        let host = serve(move |asked| {
            let mut shelf = served.lock();
            let missing = || (404, vec![], vec![]);
            if asked.path == "/index-md5.json" {
                let said = |md5| (200, vec![], json!({ "md5": md5 }).to_string().into_bytes());
                return shelf.md5.map_or_else(missing, said);
            }
            if shelf.etag.is_some() && asked.header("if-none-match") == shelf.etag {
                return (304, vec![], vec![]);
            }
            let Some(list) = shelf.list.clone() else { return missing() };
            shelf.given += 1;
            let etag = shelf.etag.map(|etag| ("etag", etag.to_owned()));
            (200, etag.into_iter().collect(), list.to_string().into_bytes())
        });
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("firstlight.db")).await.unwrap();
        let url = format!("http://{host}/index.json");
        let market = Market::new(folder.path().join(".market"), database, vec![], vec![host]);
        Self { _folder: folder, shelf, url, market }
    }

    async fn names(&self, force: bool) -> (Vec<String>, MarketState) {
        let answer = self.market.list(Some(&self.url), force).await.unwrap();
        assert_eq!(answer.message.is_some(), answer.state == MarketState::Stale);
        (answer.plugins.into_iter().map(|(name, _)| name).collect(), answer.state)
    }
}

fn list(name: &str) -> Value {
    json!({ "$meta": { "schema_version": 1 }, name: { "version": "1.0.0" }, "broken": 1 })
}

#[tokio::test]
async fn a_list_is_fetched_once_while_its_md5_or_its_etag_stays_the_same() {
    for beside in [true, false] {
        let scene = Scene::new().await;
        let set = |tag: &'static str| {
            let mut shelf = scene.shelf.lock();
            if beside { shelf.md5 = Some(tag) } else { shelf.etag = Some(tag) }
        };
        set("\"1\"");
        scene.shelf.lock().list = Some(list("dice"));
        assert_eq!(scene.names(false).await, (vec!["dice".into()], MarketState::Fetched));
        assert_eq!(scene.names(false).await, (vec!["dice".into()], MarketState::Unchanged));
        assert_eq!(scene.shelf.lock().given, 1);
        assert_eq!(scene.names(true).await, (vec!["dice".into()], MarketState::Fetched));
        set("\"2\"");
        scene.shelf.lock().list = Some(list("weather"));
        assert_eq!(scene.names(false).await, (vec!["weather".into()], MarketState::Fetched));
        assert_eq!(scene.shelf.lock().given, 3);
    }
}

#[tokio::test]
async fn a_list_that_is_away_is_shown_as_it_was_with_a_message() {
    let scene = Scene::new().await;
    scene.shelf.lock().list = Some(list("dice"));
    scene.names(false).await;
    scene.shelf.lock().list = None;
    for force in [false, true] {
        assert_eq!(scene.names(force).await, (vec!["dice".into()], MarketState::Stale));
    }
    scene.shelf.lock().list = Some(json!(["no", "list"]));
    assert_eq!(scene.names(false).await.1, MarketState::Stale);
}

#[tokio::test]
async fn a_list_that_never_came_is_an_error_and_no_source_is_none() {
    let scene = Scene::new().await;
    let error = scene.market.list(Some(&scene.url), false).await.unwrap_err();
    assert!(matches!(error, MarketError::Web(WebError::Status(404))), "{error}");
    scene.shelf.lock().list = Some(json!(1));
    let error = scene.market.list(Some(&scene.url), false).await.unwrap_err();
    assert!(matches!(error, MarketError::Form), "{error}");
    scene.shelf.lock().list = Some(json!("x".repeat(5 << 20)));
    let error = scene.market.list(Some(&scene.url), false).await.unwrap_err();
    assert!(matches!(error, MarketError::Web(WebError::TooLarge(_))), "{error}");
    let answer = scene.market.list(None, false).await.unwrap();
    assert_eq!((answer.state, answer.plugins.len()), (MarketState::NoSource, 0));
    assert!(answer.message.unwrap().contains("plugin source"));
}

#[tokio::test]
async fn a_private_host_is_asked_only_when_the_operator_names_it() {
    let host = serve(|_| (200, vec![], b"{}".to_vec()));
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open(&folder.path().join("firstlight.db")).await.unwrap();
    let market = Market::new(folder.path().join(".market"), database, vec![], vec![]);
    for url in [format!("http://{host}/a.json"), "file:///etc/passwd".to_owned()] {
        let error = market.list(Some(&url), false).await.unwrap_err();
        assert!(matches!(error, MarketError::Web(WebError::Address)), "{url}: {error}");
    }
    for url in [format!("https://{host}/a.json"), "https://localhost/a.json".to_owned()] {
        let error = market.list(Some(&url), false).await.unwrap_err();
        assert!(matches!(error, MarketError::Web(WebError::Private)), "{url}: {error}");
    }
}

#[tokio::test]
async fn a_redirect_to_a_private_host_is_not_followed() {
    let inner = serve(|_| (200, vec![], b"{}".to_vec()));
    let leads = format!("https://{inner}/a.json");
    let host = serve(move |_| (302, vec![("location", leads.clone())], vec![]));
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open(&folder.path().join("firstlight.db")).await.unwrap();
    let folder = folder.path().join(".market");
    let market = Market::new(folder, database, vec![], vec![host.clone()]);
    let error = market.list(Some(&format!("http://{host}/a.json")), false).await.unwrap_err();
    assert!(matches!(error, MarketError::Web(WebError::Private)), "{error}");
}

#[tokio::test]
async fn the_sources_of_the_operator_are_kept() {
    let scene = Scene::new().await;
    assert_eq!(scene.market.sources().await.unwrap(), Vec::<Value>::new());
    let sources = vec![json!({ "name": "ours", "url": "https://example.org/index.json" })];
    scene.market.save_sources(sources.clone()).await.unwrap();
    assert_eq!(scene.market.sources().await.unwrap(), sources);
    let many = scene.market.save_sources(vec![Value::Null; 101]).await;
    assert!(matches!(many, Err(MarketError::TooManySources)));
}

#[test]
fn a_range_of_versions_is_compared_with_what_runs() {
    for fits in ["", " ", ">=0.0.1", "*", ">=0.0.1, <99"] {
        assert!(compatibility(fits).compatible, "{fits}");
    }
    assert!(compatibility(">=99").message.contains("needs Firstlight >=99"));
    assert!(compatibility("whatever").message.contains("no range of versions"));
}
