//! The component lane: WebAssembly in a sandbox.
//!
//! | module | what it holds |
//! |---|---|
//! | `engine` | the one engine of the process and its limits |
//! | `ticker` | the clock by which a guest that runs on is interrupted |
//! | `code` | from a file to code: encoding, compiling in a child process, the cache |
//! | `mapped` | the one place that trusts compiled code |
//! | `instance` | one instance: its memory bound, its call |
//! | `pool` | the instances of one plugin |
//!
//! Guests run on threads of their own, so that one that spins takes no time from the gateway. A
//! guest's processor time is counted exactly: it yields at every tick, and each time it is polled
//! the time of the thread is taken before and after, so that neither waiting for a call of the host
//! nor waiting behind another guest counts.

mod code;
mod engine;
mod instance;
mod mapped;
mod metered;
mod pool;
mod ticker;

use std::path::Path;
use std::sync::{Arc, OnceLock};

pub(in crate::plugins) use code::{Code, encode};
pub use code::{CodeError, Compiler, compile_file};
use engine::Engine;
use pool::ComponentLane;

use super::HostLine;

/// What all components share. It is made when the first one is loaded.
pub(in crate::plugins) struct Components {
    engine: OnceLock<Arc<Engine>>,
    code: Code,
}

impl Components {
    pub(in crate::plugins) fn new(code: Code) -> Self {
        Self { engine: OnceLock::new(), code }
    }

    /// A lane for the component in this file, which is compiled if it is not yet.
    pub(in crate::plugins) async fn lane(
        &self,
        file: &Path,
        line: HostLine,
    ) -> Result<ComponentLane, CodeError> {
        let engine = self.engine()?;
        let code = self.code.load(&engine, file).await?;
        Ok(ComponentLane::new(engine, code, line))
    }

    fn engine(&self) -> Result<Arc<Engine>, CodeError> {
        if let Some(engine) = self.engine.get() {
            return Ok(Arc::clone(engine));
        }
        let made = Arc::new(Engine::start()?);
        Ok(Arc::clone(self.engine.get_or_init(|| made)))
    }
}
