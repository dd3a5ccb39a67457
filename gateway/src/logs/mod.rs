//! What the process says about itself: to standard error, and to the dashboard.
//!
//! | module | what it holds |
//! |---|---|
//! | [`ring`] | the last entries, and a feed of the new ones |
//! | [`layer`] | from tracing's events into the ring |
//! | [`redact`] | secrets that travel in addresses and headers, taken out of every line |
//! | [`setup`] | the subscriber of the process |

pub mod layer;
pub mod redact;
pub mod ring;
pub mod setup;

pub use ring::{LogEntry, LogRing, LogTime};
pub use setup::{Logging, Logs, TraceSwitch};
