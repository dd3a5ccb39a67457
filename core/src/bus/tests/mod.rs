//! The bus against real files.

mod bench;
mod kill;
mod letters;
mod ownership;
mod random;
mod steps;
mod together;
