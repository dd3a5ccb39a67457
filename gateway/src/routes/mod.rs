//! The whole HTTP surface: one file of rows per domain, and nothing else.

mod apikey;
mod auth;
mod page;
mod table;

pub use table::TABLE;
