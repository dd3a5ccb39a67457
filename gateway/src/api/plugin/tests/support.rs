//! Packages, and ways to send them.

use std::io::{Cursor, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use actix_web::test::TestRequest;
use serde_json::{Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::app::App;
use crate::routes::TABLE;
use crate::testing::{Seen, TOKEN, data, post, send, signed};

/// The SDK that the package holds a copy of.
const SDK: &[u8] =
    include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../plugins-api/sdk/python/firstlight.py"));

pub(super) const GREETER: &str = "
import firstlight
plugin = firstlight.Plugin('greeter', '1.0.0')

@plugin.command('greet', about='Greets.')
def greet(call):
    return 'hello'

@plugin.route('GET', '/say')
def say(request):
    return 'said'

plugin.run()
";

/// A program that ends at once.
pub(super) const BROKEN: &str = "
import sys
print('the moon is missing', file=sys.stderr)
sys.exit(3)
";

pub(super) type Files = Vec<(String, Vec<u8>)>;

pub(super) fn file(name: &str, content: &str) -> (String, Vec<u8>) {
    (name.to_owned(), content.as_bytes().to_vec())
}

/// The files of a package with this code; `more` goes into its `plugin.toml`.
pub(super) fn package(name: &str, code: &str, more: &str) -> Files {
    let toml = format!(
        "name = \"{name}\"\nversion = \"1.0.0\"\ndescription = \"Greets.\"\nauthor = \"Ann\"\n\
         repository = \"https://example.org/{name}\"\nlane = \"process\"\n{more}\n\
         [process]\ncommand = [\"python3\", \"main.py\"]\n"
    );
    vec![
        file("plugin.toml", &toml),
        file("main.py", &code.replace("'greeter'", &format!("'{name}'"))),
        ("firstlight.py".to_owned(), SDK.to_vec()),
    ]
}

/// The package that most tests install: it asks for things, and brings all there is to bring.
pub(super) fn greeter() -> Files {
    let more = "firstlight = \">=0.1\"";
    let mut files = package("greeter", GREETER, more);
    files[0].1.extend_from_slice(
        b"\n[capabilities]\nkv = true\nroutes = true\npages = true\n\n\
          [[pages]]\nname = \"main\"\ntitle = \"Greetings\"\npath = \"pages/main\"\n",
    );
    files.extend([
        file("README.md", "# Greeter"),
        file("CHANGELOG.md", "## 1.0.0"),
        file("icon.png", "\u{89}PNG"),
        file("pages/main/index.html", "<!doctype html><script src=\"page.js\"></script>"),
        file("pages/main/page.js", "\"use strict\";"),
        file("pages/secret.txt", "not of the page"),
        file(
            "settings.json",
            r#"{"word": {"type": "string", "default": "hello"},
                "key": {"type": "string", "secret": true}}"#,
        ),
    ]);
    files
}

pub(super) fn zip(files: &Files) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        zip.start_file(name.as_str(), SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

pub(super) fn write(files: &Files, folder: &Path) -> PathBuf {
    for (name, content) in files {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    folder.to_owned()
}

/// Uploads an archive with more fields of the form.
pub(super) async fn upload(app: &Arc<App>, archive: &[u8], fields: &[(&str, &str)]) -> Seen {
    let mut body = Vec::new();
    for (name, value) in fields {
        let head = format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(value.as_bytes());
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(
        b"--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"p.zip\"\r\n\
          Content-Type: application/zip\r\n\r\n",
    );
    body.extend_from_slice(archive);
    body.extend_from_slice(b"\r\n--edge--\r\n");
    let request = TestRequest::post()
        .uri("/api/plugin/install-upload")
        .insert_header(("authorization", format!("Bearer {TOKEN}")))
        .insert_header(("content-type", "multipart/form-data; boundary=edge"))
        .insert_header(("content-length", body.len().to_string()))
        .set_payload(body);
    send(app, &TABLE, request).await
}

pub(super) async fn change(app: &Arc<App>, row: &str, body: Value) -> Seen {
    post(app, &format!("/api/plugin/{row}"), body).await
}

pub(super) async fn read(app: &Arc<App>, row: &str) -> Seen {
    send(app, &TABLE, signed(&format!("/api/plugin/{row}"))).await
}

/// The code of a contract row's business error.
pub(super) fn refusal(seen: &Seen) -> &str {
    assert_eq!((seen.status, &seen.body["status"]), (200, &json!("error")), "{}", seen.body);
    &seen.code
}

/// The one plugin of that name in the list, if it is there.
pub(super) async fn listed(app: &Arc<App>, name: &str) -> Option<Value> {
    let mut list = data(read(app, &format!("get?name={name}")).await);
    let list = list.as_array_mut().unwrap();
    assert!(list.len() <= 1);
    list.pop()
}

/// Whether a plugin has that command.
pub(super) async fn has_command(app: &Arc<App>, plugin: &str, word: &str) -> bool {
    let commands = data(send(app, &TABLE, signed("/api/commands")).await);
    let items = commands["items"].as_array().unwrap();
    items.iter().any(|item| item["plugin"] == plugin && item["effective_command"] == word)
}

/// Ends the runtime, and with it the programs that it started.
pub(super) async fn end(app: &Arc<App>) {
    if let Some(generation) = app.control.stop().await.generation() {
        app.control.settled(generation).await;
    }
}
