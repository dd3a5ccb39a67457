//! What a plugin was not granted is refused, in each lane, and works when it is granted.

use std::sync::Arc;

use firstlight_plugins_api::{Capabilities, Capability};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::guests::{program_with, sandboxed_with, speaking};
use crate::platforms::Adapters;
use crate::plugins::dispatch_tests::{World, private, world_with};
use crate::plugins::packages::test_server::serve;
use crate::providers::{ProviderConfig, Registry};

const SESSION: &str = "webchat:FriendMessage:webchat!ann!s";

/// A call for each capability that calls need.
fn calls(host: &str) -> Vec<(Capability, Value)> {
    vec![
        (
            Capability::Hosts,
            json!({ "method": "fetch", "params": { "url": format!("http://{host}/") } }),
        ),
        (Capability::Kv, json!({ "method": "store", "params": { "key": "k", "value": 1 } })),
        (
            Capability::Timers,
            json!({ "method": "schedule", "params": { "name": "t", "after_ms": 3_600_000 } }),
        ),
        (Capability::Send, json!({ "method": "send", "params": { "to": SESSION, "message": [] } })),
        (
            Capability::Model,
            json!({ "method": "ask_model", "params": { "messages": [
                { "speaker": "user", "parts": [{ "text": "hi" }] }] } }),
        ),
        (
            Capability::Conversations,
            json!({ "method": "new_conversation", "params": { "session": SESSION } }),
        ),
        (Capability::Personas, json!({ "method": "personas" })),
        (
            Capability::Files,
            json!({ "method": "write_file", "params": { "path": "a", "content": "aGk=" } }),
        ),
    ]
}

/// Only this.
fn only(capability: Capability, host: &str) -> Capabilities {
    match capability {
        Capability::Hosts => {
            Capabilities { private_hosts: vec![host.to_owned()], ..Capabilities::default() }
        }
        other => serde_json::from_value(json!({ other.name(): true })).unwrap(),
    }
}

async fn connected(world: World) -> (World, Arc<Registry>) {
    let registry = Arc::new(Registry::new(<_>::default()));
    let demo = json!({ "id": "demo", "type": "demo_chat_completion", "chunk_delay_ms": 0 });
    let demo = serde_json::from_value(demo).unwrap();
    let config = ProviderConfig::merged(None, &demo, world.folder()).unwrap();
    registry.load(&config).await.unwrap();
    world.plugins.connect(&registry, Adapters::default());
    (world, registry)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_of_a_component_is_refused_without_its_grant_and_works_with_it() {
    let host = serve(|_| (200, Vec::new(), b"hello".to_vec()));
    let packages = tempfile::tempdir().unwrap();
    for (capability, call) in calls(&host) {
        let text = speaking("guest", &call.to_string());
        for (grants, expected) in
            [(Capabilities::default(), "refused"), (only(capability, &host), "done")]
        {
            let guest = sandboxed_with(packages.path(), "guest", &text, grants);
            let (world, _registry) = connected(world_with(vec![guest]).await).await;
            let said = world.answers(&private("/guest")).await;
            assert_eq!(said, [expected], "{capability}");
        }
    }
}

/// Makes the call that it is told, and says what came of it.
const CALLER: &str = "
import firstlight, json
plugin = firstlight.Plugin('guest', '1.0.0')

@plugin.command('guest', arguments=[firstlight.rest('call')])
def guest(call):
    asked = json.loads(call.arguments['call'])
    try:
        plugin.host(asked['method'], **asked.get('params', {}))
        return 'done'
    except firstlight.HostError as error:
        return 'refused' if error.kind == 'not_granted' else error.kind

plugin.run()
";

async fn caller(packages: &TempDir, grants: Capabilities) -> (World, Arc<Registry>) {
    let guest = program_with(packages.path(), "guest", CALLER, grants);
    connected(world_with(vec![guest]).await).await
}

/// What the program said; another plugin of the world speaks up at addresses.
async fn asked(world: &World, call: &Value) -> String {
    world.answers(&private(&format!("/guest {call}"))).await.swap_remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_of_a_program_is_refused_without_its_grant_and_works_with_it() {
    let host = serve(|_| (200, Vec::new(), b"hello".to_vec()));
    let packages = tempfile::tempdir().unwrap();
    let (nothing, _registry) = caller(&packages, Capabilities::default()).await;
    for (capability, call) in calls(&host) {
        assert_eq!(asked(&nothing, &call).await, "refused", "{capability}");
        let (granted, _registry) = caller(&packages, only(capability, &host)).await;
        assert_eq!(asked(&granted, &call).await, "done", "{capability}");
        granted.plugins.unload_all().await;
    }
    let live = nothing.plugins.find("guest").unwrap();
    let log = live.terms.log.tail().lines();
    assert!(log.iter().any(|line| line.contains("kv is not granted")), "{log:?}");
    nothing.plugins.unload_all().await;
}

/// Declares everything that must be granted to be declared.
const DECLARER: &str = "
import firstlight
plugin = firstlight.Plugin('guest', '1.0.0')

@plugin.listen('all')
def every(call): return firstlight.reply('heard')

@plugin.hook('decorating')
def decorate(event, message): message.append({'type': 'text', 'data': {'text': '!'}})

@plugin.route('GET', '/x')
def route(request): return 'x'

@plugin.tool('t', 'A tool.')
def tool(): return 1

plugin.run()
";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_declared_without_its_grant_counts_nothing() {
    let packages = tempfile::tempdir().unwrap();
    let load = async |grants| {
        let guest = program_with(packages.path(), "guest", DECLARER, grants);
        world_with(vec![guest]).await
    };
    let world = load(Capabilities::default()).await;
    assert!(world.answers(&private("hello")).await.is_empty());
    let live = world.plugins.find("guest").unwrap();
    assert_eq!(live.withheld.len(), 4, "{:?}", live.withheld);
    world.plugins.unload_all().await;

    let world = load(Capabilities::all()).await;
    assert_eq!(world.answers(&private("hello")).await, ["heard"]);
    let live = world.plugins.find("guest").unwrap();
    assert!(live.withheld.is_empty());
    assert_eq!(
        (live.hooks.len(), live.plugin.routes().len(), live.plugin.tools().len()),
        (1, 1, 1)
    );
    world.plugins.unload_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_to_what_was_not_granted_is_refused() {
    let secret = serve(|_| (200, Vec::new(), b"secret".to_vec()));
    let to = format!("http://{secret}/");
    let open = serve(move |_| (302, vec![("location", to.clone())], Vec::new()));
    let packages = tempfile::tempdir().unwrap();
    let (world, _registry) = caller(&packages, only(Capability::Hosts, &open)).await;
    let call = json!({ "method": "fetch", "params": { "url": format!("http://{open}/") } });
    assert_eq!(asked(&world, &call).await, "refused");
    world.plugins.unload_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_leads_to_a_private_address_is_refused() {
    let host = serve(|_| (200, Vec::new(), b"secret".to_vec()));
    let port = host.rsplit(':').next().unwrap().to_owned();
    let packages = tempfile::tempdir().unwrap();
    let granted = Capabilities { hosts: vec!["*".into()], ..Capabilities::default() };
    let (world, _registry) = caller(&packages, granted).await;
    for address in [format!("http://localhost:{port}/"), format!("http://{host}/")] {
        let call = json!({ "method": "fetch", "params": { "url": address } });
        assert_eq!(asked(&world, &call).await, "refused");
    }
    world.plugins.unload_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_budget_of_requests_holds() {
    let host = serve(|_| (200, Vec::new(), b"hello".to_vec()));
    let packages = tempfile::tempdir().unwrap();
    let (world, _registry) = caller(&packages, only(Capability::Hosts, &host)).await;
    let call = json!({ "method": "fetch", "params": { "url": format!("http://{host}/") } });
    let mut said = Vec::new();
    for _ in 0..130 {
        said.push(asked(&world, &call).await);
    }
    assert!(said.iter().filter(|said| *said == "done").count() >= 120);
    assert!(said.iter().any(|said| said == "limit"), "{said:?}");
    world.plugins.unload_all().await;
}
