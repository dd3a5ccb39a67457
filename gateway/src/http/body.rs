//! Bounds on what arrives, and the missing body of a HEAD answer.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::HttpMessage;
use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::{Payload, ServiceRequest};
use actix_web::error::PayloadError;
use actix_web::http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use tokio::time::{Instant, timeout_at};

/// How long a body may take, whatever its size.
const GRACE: Duration = Duration::from_secs(30);

/// Beyond the grace, a body must arrive at this rate at least.
const BYTES_PER_SECOND: u64 = 4096;

/// Bounds the size and the duration of a body, whichever extractor reads it.
pub fn limited(req: &mut ServiceRequest, limit: usize) {
    let headers = req.headers();
    if !headers.contains_key(CONTENT_LENGTH) && !headers.contains_key(TRANSFER_ENCODING) {
        return;
    }
    let payload = req.take_payload();
    let bounded: Pin<Box<dyn Stream<Item = Result<Bytes, PayloadError>>>> =
        Box::pin(bounded(payload, limit));
    req.set_payload(Payload::Stream { payload: bounded });
}

fn bounded(payload: Payload, limit: usize) -> impl Stream<Item = Result<Bytes, PayloadError>> {
    let start = Instant::now();
    stream::unfold(Some((payload, 0_usize)), move |open| async move {
        let (mut payload, received) = open?;
        let earned = Duration::from_secs(received as u64 / BYTES_PER_SECOND);
        let chunk = match timeout_at(start + GRACE + earned, payload.next()).await {
            Ok(None) => return None,
            Ok(Some(Ok(chunk))) => chunk,
            Ok(Some(Err(error))) => return Some((Err(error), None)),
            Err(_) => {
                let late = std::io::Error::from(std::io::ErrorKind::TimedOut);
                return Some((Err(PayloadError::Io(late)), None));
            }
        };
        let received = received + chunk.len();
        if received > limit {
            return Some((Err(PayloadError::Overflow), None));
        }
        Some((Ok(chunk), Some((payload, received))))
    })
    // The reader of multipart forms asks again after the end.
    .fuse()
}

/// The body of a HEAD answer: the length is told, nothing is sent. A stream is not even started,
/// else the connection would wait for its end.
pub struct HeadOnly(BodySize);

impl HeadOnly {
    pub fn of(size: BodySize) -> Self {
        Self(match size {
            BodySize::Stream => BodySize::None,
            known => known,
        })
    }
}

impl MessageBody for HeadOnly {
    type Error = std::convert::Infallible;

    fn size(&self) -> BodySize {
        self.0
    }

    fn poll_next(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Poll::Ready(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_that_has_ended_may_be_asked_again() {
        let chunk = stream::iter([Ok(Bytes::from_static(b"ab"))]);
        let mut body = Box::pin(bounded(Payload::Stream { payload: Box::pin(chunk) }, 2));
        assert_eq!(body.next().await.unwrap().unwrap(), "ab");
        assert!(body.next().await.is_none());
        assert!(body.next().await.is_none());
    }

    #[tokio::test]
    async fn a_body_over_its_limit_ends_with_an_error() {
        let chunks = stream::iter([Ok(Bytes::from_static(b"ab")), Ok(Bytes::from_static(b"c"))]);
        let mut body = Box::pin(bounded(Payload::Stream { payload: Box::pin(chunks) }, 2));
        assert!(body.next().await.unwrap().is_ok());
        assert!(matches!(body.next().await, Some(Err(PayloadError::Overflow))));
        assert!(body.next().await.is_none());
    }

    fn payload(body: impl Stream<Item = Result<Bytes, PayloadError>> + 'static) -> Payload {
        let body: Pin<Box<dyn Stream<Item = _>>> = Box::pin(body);
        Payload::Stream { payload: body }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stalls_or_drips_is_cut_off() {
        let began = Instant::now();
        let mut stalled = Box::pin(bounded(payload(stream::pending()), 1000));
        let end = stalled.next().await.unwrap().unwrap_err();
        assert!(
            matches!(end, PayloadError::Io(error) if error.kind() == std::io::ErrorKind::TimedOut)
        );
        assert!(stalled.next().await.is_none());
        assert_eq!(began.elapsed().as_secs(), GRACE.as_secs());
        let drip = stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Some((Ok(Bytes::from_static(b"x")), ()))
        });
        let arrived =
            bounded(payload(drip), 1000).take_while(|chunk| std::future::ready(chunk.is_ok()));
        assert!(arrived.count().await <= 30);
    }

    #[tokio::test(start_paused = true)]
    async fn a_large_body_may_take_its_time_as_long_as_it_arrives() {
        let steady = stream::unfold(0, |sent| async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            (sent < 120).then(|| (Ok(Bytes::from(vec![0; 8192])), sent + 1))
        });
        let arrived = Box::pin(bounded(payload(steady), 2_000_000));
        assert_eq!(arrived.filter(|chunk| std::future::ready(chunk.is_ok())).count().await, 120);
    }
}
