//! What loads the message path of a gateway: a OneBot peer that asks and counts, and a model that
//! answers at once.
//!
//! Each question carries its number, as `#17`, and the model says it back, so that an answer is
//! known to be the answer to its question and in its place.

mod folder;
mod load;
mod model;
mod number;
mod peer;

pub use folder::{Folder, prepare};
pub use load::{Flood, Load, Report};
pub use model::serve as serve_model;
