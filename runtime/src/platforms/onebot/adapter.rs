//! OneBot as the runtime sees it.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use firstlight_core::db::Attachments;
use firstlight_core::lifecycle::BoxError;
use firstlight_core::model::{Component, Group, Outgoing, PlatformId, Sender};
use parking_lot::Mutex;
use serde_json::{Map, Value};

use super::config::{OneBotError, Settings};
use super::connection::Wire;
use super::http_api::HttpApi;
use super::inlet::{self, Outlet};
use super::links::Links;
use super::listener::Listener;
use super::media::Media;
use super::{forward, outbound, queries, splitting};
use crate::platforms::{
    Adapter, AdapterContext, Capabilities, Connections, Delivery, Origin, QueryError, Quoted,
};

/// The type that events carry, whatever the configuration calls it.
const KIND: &str = "aiocqhttp";

/// One OneBot platform.
pub(crate) struct OneBot {
    platform: PlatformId,
    settings: Settings,
    links: Arc<Links>,
    media: Media,
    listening: Mutex<Option<String>>,
}

impl OneBot {
    /// Reads the keys; nothing is opened yet.
    pub(crate) fn new(
        platform: PlatformId,
        keys: &Map<String, Value>,
        folder: &Path,
        attachments: Attachments,
    ) -> Result<Self, OneBotError> {
        let settings = Settings::read(keys, folder)?;
        let http = settings.http_api.as_ref().map(HttpApi::new).transpose()?;
        Ok(Self {
            platform,
            links: Arc::new(Links::new(http)),
            settings,
            media: Media::new(attachments),
            listening: Mutex::default(),
        })
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(super) fn links(&self) -> &Links {
        &self.links
    }

    /// Serves all ways in until the platform stops.
    async fn serve(self: &Arc<Self>, wire: Wire, listener: Option<Listener>) {
        let wire = Arc::new(wire);
        let only_way = listener.is_none();
        if let Some(listener) = &listener {
            *self.listening.lock() = Some(listener.address().to_owned());
            wire.health.up();
        }
        let listening = async {
            if let Some(listener) = listener {
                listener.serve(Arc::clone(self), Arc::clone(&wire)).await;
            }
        };
        let connecting = async {
            if let Some(remote) = &self.settings.forward {
                Box::pin(forward::run(remote, only_way, &wire)).await;
            }
        };
        tokio::join!(listening, connecting);
        *self.listening.lock() = None;
    }
}

#[async_trait]
impl Adapter for OneBot {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            kind: KIND,
            display_name: "OneBot v11",
            streams: false,
            sends_unasked: true,
            // OneBot v11 has no idempotency key.
            resend_safe: false,
            concurrent_sends: self.settings.concurrent_sends,
        }
    }

    async fn run(self: Arc<Self>, context: AdapterContext) -> Result<(), BoxError> {
        let AdapterContext { intake, health, stop } = context;
        let listener = match &self.settings.listen {
            Some(listen) => Some(Listener::bind(listen).await?),
            None => None,
        };
        let (inlet, queue) = inlet::queue();
        let outlet = Outlet {
            queue,
            platform: self.platform.clone(),
            kind: KIND,
            intake: intake.clone(),
            health: health.clone(),
        };
        let wire = Wire {
            platform: self.platform.clone(),
            kind: KIND,
            links: Arc::clone(&self.links),
            inlet,
            intake,
            health,
            stop: stop.clone(),
        };
        // The outlet ends once `serve` has: by then no connection holds the inlet any more.
        tokio::join!(self.serve(wire, listener), outlet.run(stop));
        Ok(())
    }

    async fn deliver(&self, message: &Outgoing, _idempotency_key: &str) -> Delivery {
        outbound::deliver(self, &self.media, message).await
    }

    async fn online(&self) {
        self.links.online().await;
    }

    fn pieces(&self, message: Outgoing) -> Vec<Outgoing> {
        splitting::pieces(&message, self.settings.text_limit)
    }

    fn connections(&self) -> Connections {
        Connections {
            listening: self.listening.lock().clone(),
            open: self.links.lines(),
            last_heard: self.links.last_heard(),
        }
    }

    async fn quoted(&self, origin: Origin<'_>, message_id: &str) -> Result<Quoted, QueryError> {
        queries::quoted(self, origin, message_id).await
    }

    async fn forwarded(
        &self,
        origin: Origin<'_>,
        bundle_id: &str,
    ) -> Result<Vec<Quoted>, QueryError> {
        queries::forwarded(self, origin, bundle_id).await
    }

    async fn group(&self, origin: Origin<'_>, group_id: &str) -> Result<Group, QueryError> {
        queries::group(self, origin, group_id).await
    }

    async fn person(&self, origin: Origin<'_>, user_id: &str) -> Result<Sender, QueryError> {
        queries::person(self, origin, user_id).await
    }

    async fn media_address(
        &self,
        origin: Origin<'_>,
        component: &Component,
    ) -> Result<String, QueryError> {
        queries::media_address(self, origin, component).await
    }
}
