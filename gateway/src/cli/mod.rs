//! The command line: arguments in, an exit code out.
//!
//! | file | what it holds |
//! |---|---|
//! | `arguments` | what can be typed |
//! | `dispatch` | from the arguments to the command |
//! | `account`, `chat`, `check`, `config`, `dead_letters`, `doctor` | the commands |
//! | `plugin` | the commands about plugins |
//! | `holder` | who does it: the running gateway, or the command alone |
//! | `stream`, `printed` | what `chat` reads and shows |
//! | `documents`, `findings` | what `check` and `doctor` have in common |

mod account;
mod arguments;
mod chat;
mod check;
mod config;
pub(crate) mod dead_letters;
mod dispatch;
mod doctor;
mod documents;
mod findings;
mod holder;
mod plugin;
mod printed;
mod stream;

pub(crate) use dispatch::main;
