//! Commands of the same machine to a running gateway.
//!
//! A password reset must reach a gateway that runs, for its log-ins live in memory, and it must not
//! need a log-in, for the password is what was lost. So it does not go through HTTP: a route that
//! resets passwords, however guarded, would be there for everyone who can reach the port. It goes
//! through a Unix socket in the data folder, which only the owner of the folder can open, and the
//! gateway asks the kernel who is at the other end. Whoever passes that can read the database file
//! anyway. On systems without such sockets the gateway has to be ended first.
//!
//! One line of JSON there, one back, then the socket closes.

#[cfg(not(unix))]
mod absent;
mod protocol;
#[cfg(unix)]
mod socket;

#[cfg(not(unix))]
pub(crate) use absent::{ask, serve};
pub(crate) use protocol::{Account, Request};
#[cfg(unix)]
pub(crate) use socket::{ask, serve};
