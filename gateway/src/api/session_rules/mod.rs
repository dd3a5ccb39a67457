//! Rules of single sessions, the sessions there are, and groups of them (reference D.20).

pub mod available;
pub mod groups;
pub mod rules;
pub mod sessions;
pub mod setting;
#[cfg(test)]
mod tests;
