//! Bot configuration: read and saved in the forms of the contract, and as whole documents.
//!
//! | file | what it holds |
//! |---|---|
//! | `saving` | one change of a document, tried again when somebody else was faster |
//! | `applying` | telling the live runtime what has changed |
//! | `entries` | lists of entries with ids, as the documents hold them |
//! | [`profiles`], [`routes`], [`plugins`] | how the bot behaves, and for whom |
//! | [`platforms`], [`providers`], [`sources`] | connections, entry by entry |
//! | [`probing`] | trying a connection out |
//! | [`documents`] | whole documents, their history and the way back |
//!
//! **Invariants.** Every read is masked, and a mask that comes back stands for the stored secret.
//! A save that was begun is carried out to its end and applied, also when its caller goes away. A
//! change that the runtime cannot take over stays saved: the answer is `not_applied`.

mod applying;
pub(super) mod entries;
pub(super) mod saving;

pub mod documents;
pub mod platforms;
pub mod plugins;
pub mod probing;
pub mod profiles;
pub mod providers;
pub mod routes;
pub mod sources;

#[cfg(test)]
mod document_tests;
#[cfg(test)]
mod tests;
