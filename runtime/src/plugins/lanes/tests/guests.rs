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
    format!(
        r#"(component
          (import "firstlight:plugin/host@1.0.0" (instance $host
            (export "call" (func (param "request" string) (result (result string (error string)))))))
          (core module $memory
            (memory (export "memory") 2)
            (global $next (mut i32) (i32.const 65536))
            (func (export "realloc") (param i32 i32 i32 i32) (result i32)
              (local $at i32)
              (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
              (global.set $next (i32.add (local.get $at) (local.get 3)))
              (block $fits
                (br_if $fits (i32.le_u (global.get $next) (i32.mul (memory.size) (i32.const 65536))))
                (drop (memory.grow (i32.add (i32.div_u (local.get 3) (i32.const 65536)) (i32.const 1)))))
              (local.get $at)))
          (core instance $memory (instantiate $memory))
          (core func $lowered (canon lower (func $host "call")
            (memory (core memory $memory "memory")) (realloc (core func $memory "realloc"))))
          (core module $main
            (import "memory" "memory" (memory 2))
            (import "host" "call" (func $host (param i32 i32 i32)))
            (data (i32.const 1024) "{text}")
            (data (i32.const 8192) "null")
            (data (i32.const 8200) "{{}}")
            (data (i32.const 8300) "{{\"method\":\"log\",\"params\":{{\"level\":\"info\",\"text\":\"flood\"}}}}")
            (data (i32.const 8400) "garbage")
            (func $deeper (param i32) (result i32)
              (i32.add (call $deeper (i32.add (local.get 0) (i32.const 1))) (i32.const 1)))
            (func $answer (param i32 i32) (result i32)
              (i32.store8 (i32.const 16) (i32.const 0))
              (i32.store (i32.const 20) (local.get 0))
              (i32.store (i32.const 24) (local.get 1))
              (i32.const 16))
            (func (export "call") (param $at i32) (param $length i32) (result i32)
              (local $method i32) (local $fifth i32) (local $count i32)
              (local.set $method (i32.load8_u (i32.add (local.get $at) (i32.const 11))))
              (local.set $fifth (i32.load8_u (i32.add (local.get $at) (i32.const 15))))
              (if (i32.eq (local.get $method) (i32.const 104)) (then {on_handle}))
              (if (i32.eq (local.get $method) (i32.const 117)) (then {on_unload}))
              (if (i32.and (i32.eq (local.get $method) (i32.const 108)) (i32.eq (local.get $fifth) (i32.const 34)))
                (then {on_load} (return (call $answer (i32.const 1024) (i32.const {length})))))
              (if (i32.eq (local.get $method) (i32.const 104))
                (then (return (call $answer (i32.const 8200) (i32.const 2)))))
              (call $answer (i32.const 8192) (i32.const 4)))
            (@custom "firstlight-plugin-api" "1.0"))
          (core instance $host (export "call" (func $lowered)))
          (core instance $main (instantiate $main
            (with "memory" (instance $memory)) (with "host" (instance $host))))
          (func $call (param "request" string) (result (result string (error string)))
            (canon lift (core func $main "call")
              (memory (core memory $memory "memory")) (realloc (core func $memory "realloc"))))
          (instance $guest (export "call" (func $call)))
          (export "firstlight:plugin/guest@1.0.0" (instance $guest)))"#
    )
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
