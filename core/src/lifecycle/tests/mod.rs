//! Tests of the lifecycle: random histories, single sentences, and a short run on many threads.

mod faults;
mod property;
mod script;
mod sentences;
mod stress;
mod world;
