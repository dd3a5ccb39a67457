//! Model metadata: how large a model's context is, what it takes in, what it can do.
//!
//! Off unless an address is configured. Then it is fetched in the background once the runtime is
//! up, and the last good copy is kept on disk: a fetch that fails, is too large or makes no sense
//! changes nothing.
//!
//! | module | what it holds |
//! |---|---|
//! | `catalogue` | what is known, and how it is looked up |
//! | `copy` | the last good copy on disk |
//! | `component` | the lifecycle component `metadata`, and the fetch |

mod catalogue;
mod component;
mod copy;

pub use catalogue::{Metadata, Modality, ModelInfo};
pub use component::MetadataComponent;
