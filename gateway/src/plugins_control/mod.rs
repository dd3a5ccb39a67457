//! What the command line does with installed plugins: through the running gateway, which puts a
//! plugin to work at once, or alone while none runs.
//!
//! | module | what it holds |
//! |---|---|
//! | `asked` | what is asked |
//! | `answers` | what is answered |
//! | `obey` | doing it |
//! | `errors` | what an error means to who typed the command |

mod answers;
mod asked;
mod errors;
mod obey;

pub(crate) use answers::{Asks, Changed, Doctored, Listed, Log, Looked, State};
pub(crate) use asked::{Asked, Source};
pub(crate) use errors::package;
pub(crate) use obey::{Place, obey};
