//! Plugins (reference D.5): listed, installed, changed, repaired after a failure, and their pages.
//!
//! | file | what it holds |
//! |---|---|
//! | [`listing`], [`shapes`] | what there is, and how it is shown |
//! | [`installing`], [`consent`] | installing, and what the operator must agree to first |
//! | [`changing`] | updating, enabling, disabling, loading again, uninstalling |
//! | [`recovering`] | the rows that work without a runtime |
//! | [`market`] | lists of plugins that can be had |
//! | [`settings`] | grants, budgets and the log's level |
//! | [`pages`], [`page_tokens`] | pages that plugins bring |
//! | `naming` | which plugin is meant |
//! | `errors` | what the runtime's errors mean to a caller |

pub mod changing;
pub mod consent;
mod errors;
pub mod installing;
pub mod listing;
pub mod market;
mod naming;
mod page_tokens;
pub mod pages;
pub mod recovering;
pub mod settings;
pub mod shapes;
#[cfg(test)]
mod tests;

use naming::forget_settings;
pub use naming::{MaybeNamed, Named};
pub use page_tokens::PageTokens;
