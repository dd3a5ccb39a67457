//! What all components share.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use super::code::{Code, CodeError};
use super::engine::Engine;
use super::pool::ComponentLane;
use crate::plugins::lanes::HostLine;

/// The engine and the code of all components. The engine is made when the first one is loaded.
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
