//! The rows of plugins, with packages that are programs in Python.

mod managing;
mod pages;
mod recovery;
mod support;
