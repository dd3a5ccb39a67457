//! Remembers which configuration reached ready: it is what one goes back to after a bad edit.

use std::sync::Arc;

use firstlight_core::lifecycle::State;
use tokio_util::sync::CancellationToken;

use crate::app::App;

/// Marks the documents each time the runtime is up, until the process ends.
pub(crate) async fn keep(app: Arc<App>, end: CancellationToken) {
    let mut snapshots = app.control.subscribe();
    loop {
        let ready = matches!(snapshots.borrow_and_update().state, State::RuntimeReady(_));
        if ready && let Err(error) = app.config.mark_ready(&app.config.snapshot()).await {
            tracing::warn!(%error, "the configuration that reached ready was not marked");
        }
        tokio::select! {
            changed = snapshots.changed() => if changed.is_err() { return },
            () = end.cancelled() => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use firstlight_core::config::DocumentId;

    use crate::testing::{Phase, app_in};

    #[tokio::test]
    async fn what_reached_ready_is_marked_and_what_failed_is_not() {
        let app = app_in(Phase::Ready).await;
        let mut documents = app.config.subscribe();
        let marked = |snapshot: &firstlight_core::config::ConfigSnapshot| {
            let document = snapshot.document(&DocumentId::Providers).unwrap();
            document.ready_revision == Some(document.revision)
        };
        documents.wait_for(|snapshot| marked(snapshot)).await.unwrap();
        let failed = app_in(Phase::Failed).await;
        assert!(!marked(&failed.config.snapshot()));
    }
}
