//! The runtime as a value.

use crate::plugins::Plugins;

/// Everything a request may need of the second phase. It exists only while the state is ready.
pub struct Runtime {
    /// The loaded plugins.
    pub plugins: Plugins,
}
