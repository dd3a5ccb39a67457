//! The whole HTTP surface: one file of rows per domain, and nothing else.

mod apikey;
mod auth;
mod chat;
mod commands;
mod config;
mod conversation;
mod dead_letters;
mod docs;
mod logs;
#[cfg(test)]
mod matrix;
mod open;
mod page;
mod persona;
mod platform;
mod plugin;
mod project;
mod session;
mod stat;
mod table;
mod tools;
mod tui;

pub use table::TABLE;
