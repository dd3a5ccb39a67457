//! The one place that trusts compiled code.

use std::path::Path;

use wasmtime::Engine;
use wasmtime::component::Component;

/// Takes compiled code from a file into memory.
///
/// The caller has compared the file's digest with the one in the database, written when this
/// program compiled it into a folder that nobody else may write to.
#[expect(unsafe_code, reason = "compiled code is run as it is; see the module")]
pub(super) fn load(engine: &Engine, checked: &Path) -> wasmtime::Result<Component> {
    // SAFETY: the file is what `Engine::precompile_component` of this program wrote: `code` checks
    // its digest before every call. wasmtime itself refuses code of another version or settings.
    unsafe { Component::deserialize_file(engine, checked) }
}
