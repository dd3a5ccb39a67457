//! A socket that can be told to write only so many bytes more, and then breaks.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A socket under an [`Axe`].
pub(super) struct Chopped {
    stream: TcpStream,
    axe: Axe,
}

/// Decides how many bytes the socket still writes.
#[derive(Clone)]
pub(super) struct Axe(Arc<AtomicUsize>);

impl Chopped {
    pub(super) fn new(stream: TcpStream) -> (Self, Axe) {
        let axe = Axe(Arc::new(AtomicUsize::new(usize::MAX)));
        // Answers are small and waited for.
        let _only_slower_without = stream.set_nodelay(true);
        (Self { stream, axe: axe.clone() }, axe)
    }
}

impl Axe {
    /// The socket breaks after that many further bytes.
    pub(super) fn after(&self, bytes: usize) {
        self.0.store(bytes, Ordering::SeqCst);
    }
}

impl AsyncRead for Chopped {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Chopped {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let left = self.axe.0.load(Ordering::SeqCst);
        let some = bytes.get(..left).unwrap_or(bytes);
        if some.is_empty() && !bytes.is_empty() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let written = std::task::ready!(Pin::new(&mut self.stream).poll_write(context, some))?;
        if left != usize::MAX {
            self.axe.after(left - written);
        }
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
