//! The `firstlight` binary.
fn main() {}
