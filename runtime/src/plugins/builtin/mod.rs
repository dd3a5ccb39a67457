//! The plugins that come with the gateway. They are written against `plugins-api` like anybody
//! else's and are its worked examples; what they want of the gateway they ask their host.
//!
//! | plugin | what it offers |
//! |---|---|
//! | [`conversation`] | `/new`, `/reset`, `/stop`, `/stats` |
//! | [`information`] | `/help`, `/sid`, `/name` |
//! | [`provider`] | `/provider` |
//! | [`variables`] | `/set`, `/unset` |
//! | [`empty_mention`] | a message that only calls the bot makes it wait for the next one |

mod conversation;
mod empty_mention;
mod information;
mod provider;
mod registrations;
mod saying;
mod variables;

pub use registrations::registrations;
