//! The model call: ask, pass the parts on as they come, stop when told to.

use std::sync::Arc;
use std::time::Duration;

use firstlight_core::failpoint::Point;
use futures_util::StreamExt;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::answer::{Answer, AnswerSink, TurnEnd, TurnError};
use crate::providers::{ChatEvent, ChatProvider, ChatRequest, ProviderError};

/// How often a long answer reports what it has, so that a crash loses at most this much of it.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(1);

/// The two ways to end a model call from outside.
#[derive(Debug, Clone)]
pub struct Ends {
    /// The user asked to stop.
    pub stopped: CancellationToken,
    /// The runtime is going away.
    pub gone: CancellationToken,
}

impl Ends {
    /// Resolves once one of the two is there.
    pub(super) async fn reached(&self) {
        tokio::select! {
            () = self.gone.cancelled() => {}
            () = self.stopped.cancelled() => {}
        }
    }
}

/// Where the partial text of a running answer is made durable.
pub trait Checkpoint: Send + Sync {
    /// Stores what is said so far. Errors are the store's to log: the answer goes on.
    fn store(&self, partial: &Answer) -> impl Future<Output = ()> + Send;
}

/// Asks the model and brings the answer home.
pub(super) async fn ask(
    provider: Arc<dyn ChatProvider>,
    request: ChatRequest,
    sink: &dyn AnswerSink,
    checkpoint: &impl Checkpoint,
    ends: &Ends,
) -> TurnEnd {
    let meta = provider.meta();
    let model = request.model.clone().unwrap_or_else(|| meta.model.clone());
    let mut call = Call {
        answer: Answer::begin(meta.id.clone(), model),
        begun: Instant::now(),
        stored: Instant::now(),
        sink,
    };
    sink.started();
    // The call is cancelled when this future is dropped or returns, whatever the reason.
    let cancel = CancellationToken::new();
    let _cancel_on_return = cancel.clone().drop_guard();
    let ended = tokio::select! {
        biased;
        () = ends.gone.cancelled() => Ended::Gone,
        () = ends.stopped.cancelled() => Ended::Stopped,
        outcome = call.run(provider.as_ref(), request, cancel, checkpoint) => Ended::Itself(outcome),
    };
    let mut answer = call.answer;
    answer.took = call.begun.elapsed();
    match ended {
        Ended::Gone => TurnEnd::Interrupted { partial: answer },
        Ended::Stopped => TurnEnd::Stopped(answer),
        Ended::Itself(Ok(())) => TurnEnd::Answered(answer),
        Ended::Itself(Err(source)) => TurnEnd::Failed {
            error: TurnError::Provider { provider: answer.provider_id.clone(), source },
            partial: answer,
        },
    }
}

enum Ended {
    Gone,
    Stopped,
    Itself(Result<(), ProviderError>),
}

struct Call<'a> {
    answer: Answer,
    begun: Instant,
    stored: Instant,
    sink: &'a dyn AnswerSink,
}

impl Call<'_> {
    async fn run(
        &mut self,
        provider: &dyn ChatProvider,
        request: ChatRequest,
        cancel: CancellationToken,
        checkpoint: &impl Checkpoint,
    ) -> Result<(), ProviderError> {
        let mut events = provider.chat(request, cancel).await?;
        while let Some(event) = events.next().await {
            self.take(event?);
            if self.stored.elapsed() >= CHECKPOINT_EVERY {
                checkpoint.store(&self.answer).await;
                self.stored = Instant::now();
            }
        }
        Ok(())
    }

    fn take(&mut self, event: ChatEvent) {
        match event {
            ChatEvent::TextDelta(delta) => {
                self.first_part();
                self.answer.text.push_str(&delta);
                self.sink.text(&delta);
            }
            ChatEvent::ReasoningDelta(delta) => {
                self.first_part();
                self.answer.reasoning.push_str(&delta);
                self.sink.reasoning(&delta);
            }
            ChatEvent::Usage(usage) => self.answer.usage = usage,
            ChatEvent::Done(done) => {
                if let Some(model) = done.model {
                    self.answer.model = model;
                }
            }
        }
    }

    fn first_part(&mut self) {
        if self.answer.first_part.is_none() {
            self.answer.first_part = Some(self.begun.elapsed());
            Point::ModelAnswering.pass();
        }
    }
}
