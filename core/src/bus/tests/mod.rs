//! The bus against real files.

mod bench;
mod kill;
mod ownership;
mod random;
mod steps;
