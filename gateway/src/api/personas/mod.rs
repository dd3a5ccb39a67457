//! Personas and the folders they are shown in (reference D.19).

pub mod characters;
pub mod folders;
#[cfg(test)]
mod tests;
