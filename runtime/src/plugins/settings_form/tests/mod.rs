//! Tests of settings forms: what is taken, what is made of it, and that nothing slips between.

mod forms;
mod migration;
mod random;
mod refusals;
mod saving;
mod support;
mod values;
