//! Conversations: listed, read, edited, deleted, exported (reference D.18).

pub mod editing;
pub mod exporting;
pub mod reading;
#[cfg(test)]
mod tests;
