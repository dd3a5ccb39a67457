//! `firstlight plugin`: making plugins, and looking after those that are installed.
//!
//! | file | what it holds |
//! |---|---|
//! | `arguments` | what can be typed |
//! | `run` | from the arguments to the command, and who does it |
//! | `new`, `templates` | a folder to begin with |
//! | `build`, `toolchain`, `test` | what an author does before anybody installs it |
//! | `install`, `change`, `list`, `logs` | what an operator does |
//! | `doctor` | what is wrong with what is installed |
//! | `compile` | what the gateway has done in a process of its own |

pub(super) mod arguments;
mod build;
mod change;
mod compile;
mod doctor;
mod install;
mod list;
mod logs;
mod new;
mod run;
mod templates;
mod test;
mod toolchain;

pub(super) use run::run;
