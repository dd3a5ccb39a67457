//! Plugins for the tests: components as text, and programs.

use std::path::Path;
use std::sync::Arc;

use firstlight_plugins_api::{Capabilities, Manifest, Version};

use crate::plugins::budgets::{AskedBudgets, LaneKind};
use crate::plugins::erased::{Origin, Registration};
use crate::plugins::installed::{Installed, Place};

/// What the components of the tests declare: a command of the plugin's name.
pub(super) fn declarations(command: &str) -> String {
    format!(
        r#"{{"handlers":[{{"name":"{command}","trigger":{{"command":{{"naming":{{"word":"{command}"}}}}}}}}]}}"#
    )
}

/// A component that does `hostile` when its command is called, and what it should otherwise. Two
/// words of the language are its own: `$at` and `$length`, where the request stands.
pub(super) fn component(command: &str, on_load: &str, on_handle: &str, on_unload: &str) -> String {
    let declared = declarations(command);
    let text = declared.replace('"', "\\\"");
    let length = declared.len();
    include_str!("guest.wat")
        .replace("@DECLARED@", &text)
        .replace("@LENGTH@", &length.to_string())
        .replace("@LOAD@", on_load)
        .replace("@HANDLE@", on_handle)
        .replace("@UNLOAD@", on_unload)
}

/// A component that makes this call of the host when its command is called, and says `done` or
/// `refused`.
pub(super) fn speaking(command: &str, call: &str) -> String {
    let saying =
        |word: &str| format!(r#"{{"messages":[[{{"type":"text","data":{{"text":"{word}"}}}}]]}}"#);
    let (done, refused) = (saying("done"), saying("refused"));
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    let body = format!(
        "(call $host (i32.const 12288) (i32.const {length}) (i32.const 512))
         (if (i32.load8_u (i32.const 512))
           (then (return (call $answer (i32.const 9200) (i32.const {}))))
           (else (return (call $answer (i32.const 9000) (i32.const {})))))",
        refused.len(),
        done.len(),
        length = call.len(),
    );
    let data = format!(
        r#"(data (i32.const 9000) "{}") (data (i32.const 9200) "{}") (data (i32.const 12288) "{}")"#,
        quoted(&done),
        quoted(&refused),
        quoted(call)
    );
    component(command, "", &body, "").replace("(func $deeper", &format!("{data} (func $deeper"))
}

/// A registration of a component that is given as text, with everything granted.
pub(super) fn sandboxed(folder: &Path, name: &str, text: &str) -> Registration {
    sandboxed_with(folder, name, text, Capabilities::all())
}

/// The same with these grants.
pub(super) fn sandboxed_with(
    folder: &Path,
    name: &str,
    text: &str,
    grants: Capabilities,
) -> Registration {
    let bytes = wat::parse_str(text).unwrap();
    let encoded = crate::plugins::lanes::component::encode(&bytes).unwrap();
    let file = folder.join(format!("{name}.wasm"));
    std::fs::write(&file, encoded).unwrap();
    registration(folder, name, Place::Component(file), &AskedBudgets::default(), grants)
}

/// A registration of a Python program, with everything granted.
pub(super) fn program(folder: &Path, name: &str, code: &str) -> Registration {
    program_with(folder, name, code, Capabilities::all())
}

/// The same with these grants.
pub(super) fn program_with(
    folder: &Path,
    name: &str,
    code: &str,
    grants: Capabilities,
) -> Registration {
    let package = folder.join(name);
    std::fs::create_dir_all(&package).unwrap();
    std::fs::write(package.join("main.py"), code).unwrap();
    let sdk = concat!(env!("CARGO_MANIFEST_DIR"), "/../plugins-api/sdk/python/firstlight.py");
    std::fs::copy(sdk, package.join("firstlight.py")).unwrap();
    let command = vec!["python3".to_owned(), "main.py".to_owned()];
    let budgets = AskedBudgets { cpu_ms: Some(1000), ..AskedBudgets::default() };
    registration(&package, name, Place::Process(command), &budgets, grants)
}

fn registration(
    folder: &Path,
    name: &str,
    place: Place,
    asked: &AskedBudgets,
    grants: Capabilities,
) -> Registration {
    let lane = match &place {
        Place::Component(_) => LaneKind::Component,
        Place::Process(_) => LaneKind::Process,
    };
    let short = AskedBudgets { deadline_s: Some(3), cpu_ms: Some(300), ..AskedBudgets::default() };
    let given =
        if lane == LaneKind::Component { short } else { AskedBudgets { cpu_ms: None, ..short } };
    let installed = Installed {
        folder: folder.to_owned(),
        place,
        grants,
        budgets: asked.with(&given, lane),
        level: None,
    };
    Registration {
        manifest: Manifest::new(name, Version::new(1, 0, 0)),
        settings_schema: None,
        origin: Origin::Installed(Arc::new(installed)),
    }
}
