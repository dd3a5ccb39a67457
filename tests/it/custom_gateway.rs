//! A gateway with plugins of its own, put together from the library.

use firstlight_gateway::core::settings::Settings;
use firstlight_gateway::plugins_api::{
    Host, Manifest, Plugin, PluginError, Version, WebRequest, WebResponse, WebRoute,
};
use firstlight_gateway::{Exit, Gateway, Logs};
use serde_json::{Value, json};
use tempfile::TempDir;

struct Hello;

impl Plugin for Hello {
    fn manifest() -> Manifest {
        Manifest::new("hello", Version::new(1, 0, 0)).description("Says hello.")
    }

    async fn load(_host: Host) -> Result<Self, PluginError> {
        Ok(Self)
    }

    fn routes(&self) -> Vec<WebRoute> {
        vec![WebRoute::get("/greeting", "A greeting.")]
    }

    async fn web(&self, request: WebRequest) -> Result<WebResponse, PluginError> {
        Ok(WebResponse::json(&json!({ "greeting": format!("hello, {}", request.username) })))
    }
}

/// Fails to load: it is listed with its error and harms nobody.
struct Broken;

impl Plugin for Broken {
    fn manifest() -> Manifest {
        Manifest::new("broken", Version::new(1, 0, 0))
    }

    async fn load(_host: Host) -> Result<Self, PluginError> {
        Err(PluginError::Failed("out of order".to_owned()))
    }
}

fn settings(folder: &TempDir) -> Settings {
    Settings {
        data_dir: folder.path().to_owned(),
        listen: ([127, 0, 0, 1], 0).into(),
        ..Settings::default()
    }
}

async fn start(folder: &TempDir) -> Gateway {
    let builder = Gateway::builder().plugin::<Hello>().plugin::<Broken>();
    builder.start(settings(folder), Logs::unconnected()).await.unwrap()
}

/// Makes the first account with the set-up link, and answers the token of its log-in.
async fn set_up(gateway: &Gateway, client: &reqwest::Client) -> String {
    let (url, secret) = gateway.setup_link().unwrap().split_once("/#setup=").unwrap();
    let body = json!({ "secret": secret, "username": "ada", "password": "a long password" });
    let answer = client.post(format!("{url}/api/auth/setup")).json(&body).send().await.unwrap();
    let answer: Value = answer.json().await.unwrap();
    answer["data"]["token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compiled_in_plugin_serves_its_routes_and_a_broken_one_is_listed() {
    let folder = TempDir::new().unwrap();
    let gateway = start(&folder).await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let token = set_up(&gateway, &client).await;
    let begun = gateway.control().snapshot();
    gateway.control().settled(begun.generation).await;
    let get = async |path: &str| {
        let url = format!("http://{}{path}", gateway.address());
        let response = client.get(url).bearer_auth(&token).send().await.unwrap();
        response.json::<Value>().await.unwrap()
    };
    assert_eq!(get("/api/plug/hello/greeting").await, json!({ "greeting": "hello, ada" }));
    let failed = get("/api/plugin/source/get-failed-plugins").await.to_string();
    assert!(failed.contains("broken") && failed.contains("out of order"), "{failed}");
    assert_eq!(gateway.end().await, Exit::Success);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_can_be_used_again_as_soon_as_its_gateway_has_ended() {
    let folder = TempDir::new().unwrap();
    let first = start(&folder).await;
    let refused = Gateway::builder().start(settings(&folder), Logs::unconnected()).await;
    assert_eq!(refused.err().unwrap().exit(), Exit::Locked);
    assert_eq!(first.end().await, Exit::Success);
    let second = start(&folder).await;
    assert!(second.setup_link().is_some());
    assert_eq!(second.end().await, Exit::Success);
}
