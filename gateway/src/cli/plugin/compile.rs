//! `firstlight plugin compile`: what the gateway has done in a process of its own, so that what it
//! takes is bounded and given back.

use std::path::Path;

use crate::exit::{Exit, Problem};

/// Compiles a component to a file.
pub(super) fn run(from: &Path, to: &Path) -> Result<Exit, Problem> {
    limit();
    firstlight_runtime::plugins::compile_file(from, to).map_err(|error| {
        let advice = "correct the plugin, or tell its author";
        Problem::new(Exit::Plugin, crate::exit::chain(&error), advice)
    })?;
    Ok(Exit::Success)
}

/// Code that is made to take for ever, or everything, ends this process and no other. The largest
/// component that is let in takes some hundred MiB and seconds; addresses are reserved generously by
/// the allocator, so the bound on them is wide.
#[cfg(unix)]
fn limit() {
    use rustix::process::{Resource, Rlimit, setrlimit};

    let most = |value: u64| Rlimit { current: Some(value), maximum: Some(value) };
    for (resource, value) in [(Resource::As, 4 << 30), (Resource::Cpu, 300), (Resource::Core, 0)] {
        // Where a limit cannot be had, the deadline of the gateway still holds.
        let _ = setrlimit(resource, most(value));
    }
}

#[cfg(not(unix))]
fn limit() {}
