//! Statistics and facts about the process.

pub mod changelog;
pub mod facts;
pub mod notice;
pub mod overview;
pub mod storage;
