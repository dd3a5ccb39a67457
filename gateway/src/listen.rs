//! Taking the listen address: once, before anything that may take long.

use std::io;
use std::net::{SocketAddr, TcpListener};

use tokio::net::TcpSocket;

use crate::exit::{Exit, Problem};

/// How many connections may wait to be accepted.
const BACKLOG: u32 = 1024;

/// Takes the address. Connections queue from here on; nobody is refused while the core comes up.
pub(crate) fn bind(address: SocketAddr) -> Result<TcpListener, Problem> {
    let listen = || {
        let socket = if address.is_ipv6() { TcpSocket::new_v6() } else { TcpSocket::new_v4() }?;
        // Else a restart would have to wait until the old connections are forgotten.
        #[cfg(unix)]
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)?.into_std()
    };
    listen().map_err(|error: io::Error| not_bound(address, &error))
}

/// The refusal of an address.
pub(crate) fn not_bound(address: SocketAddr, error: &io::Error) -> Problem {
    let advice = match error.kind() {
        io::ErrorKind::AddrInUse => {
            "end the program that uses it, or choose another one with --listen"
        }
        io::ErrorKind::PermissionDenied => "choose a port above 1023 with --listen",
        io::ErrorKind::AddrNotAvailable => {
            "choose an address of this machine, or 0.0.0.0, with --listen"
        }
        _ => "choose another address with --listen",
    };
    let what = format!("the listen address {address} could not be bound");
    Problem::caused(Exit::Address, &what, error, advice)
}
