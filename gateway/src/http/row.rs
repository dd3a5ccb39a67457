//! One row of the route table.

use actix_web::http::Method;
use actix_web::{FromRequest, Handler, Responder, Route};
use firstlight_core::lifecycle::{Activity, Lease, State};
use firstlight_core::settings::Limits;

use super::describe::{Inputs, Operation, Output};

/// Who may call a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anyone.
    Public,
    /// Anyone who shows a token of its own kind, which the handler checks.
    Token,
    /// A dashboard log-in.
    Session,
    /// An API key that was granted this scope.
    Key(Scope),
    /// A dashboard log-in, or an API key that was granted this scope.
    SessionOrKey(Scope),
}

/// What an API key may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Any active key will do.
    Any,
    /// Talking to the bot.
    Chat,
    /// Reading configuration profiles.
    Config,
    /// Uploading and downloading files.
    File,
    /// Sending messages to platforms.
    Im,
}

/// What must be up before a row's handler may run. Ordered: each includes the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Needs {
    /// Served in every state.
    Core,
    /// Served when ready, failed or idle; refused while something is starting or stopping.
    Recovery,
    /// Served only while there is a runtime.
    Runtime,
}

/// How large a body may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyLimit {
    /// As the settings say for an ordinary request.
    Ordinary,
    /// As the settings say for an upload.
    Upload,
    /// So many bytes.
    Bytes(usize),
}

/// Why the lifecycle does not let a call through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// It will be decided shortly: the runtime is starting or stopping.
    Loading,
    /// The last bootstrap failed.
    Failed,
    /// Nobody asked for a runtime.
    Stopped,
}

/// One route: everything that is known about it, and the handler that it mounts.
pub struct Row {
    pub method: Method,
    pub path: &'static str,
    /// Unique, and of the form `tag.verb`; it is the operation id of the API document.
    pub name: &'static str,
    pub access: Access,
    pub needs: Needs,
    /// One line for the documents.
    pub about: &'static str,
    /// The largest body.
    pub body_limit: BodyLimit,
    /// Business errors keep HTTP 200, as the contract's rows do.
    pub contract: bool,
    /// Errors carry `{}` instead of `null` as data (the contract's second envelope).
    pub data_never_null: bool,
    /// The row is a WebSocket: refusals are a close code after the handshake.
    pub socket: bool,
    pub(super) describe: fn(&mut Operation<'_>),
    pub(super) attach: Box<dyn Fn(Route) -> Route + Send + Sync>,
}

/// Declares a row.
///
/// A contract row by default: business errors answer HTTP 200 with `status: "error"` and a code.
/// Rows of our own add [`Row::own`].
///
/// # Panics
/// When the handler takes more than the row promises: the runtime in a row that is served without
/// one, or a log-in in a row that others may call. Every test run builds the table, so such a row
/// never leaves a working copy.
#[track_caller]
pub fn route<H, A>(
    method: Method,
    path: &'static str,
    name: &'static str,
    access: Access,
    needs: Needs,
    about: &'static str,
    handler: H,
) -> Row
where
    H: Handler<A> + Send + Sync,
    A: FromRequest + Inputs + 'static,
    H::Output: Responder + Output + 'static,
{
    assert!(needs >= A::NEEDS, "{name}: the handler needs {:?}, the row says {needs:?}", A::NEEDS);
    assert!(
        !A::SESSION || access == Access::Session,
        "{name}: the handler takes a log-in, the row admits {access:?}"
    );
    Row {
        method,
        path,
        name,
        access,
        needs,
        about,
        body_limit: BodyLimit::Ordinary,
        contract: true,
        data_never_null: false,
        socket: false,
        describe: |operation| {
            A::describe(operation);
            <H::Output as Output>::describe(operation);
        },
        attach: Box::new(move |route| route.to(handler.clone())),
    }
}

impl Row {
    /// A row of our own, not of the contract: its business errors use their real status.
    #[must_use]
    pub fn own(mut self) -> Self {
        self.contract = false;
        self
    }

    /// Errors of this row carry `{}` as data, where the contract says so.
    #[must_use]
    pub fn data_never_null(mut self) -> Self {
        self.data_never_null = true;
        self
    }

    /// Sets the largest body that the row accepts.
    #[must_use]
    pub fn body_limit(mut self, limit: BodyLimit) -> Self {
        self.body_limit = limit;
        self
    }

    /// The row is a WebSocket.
    #[must_use]
    pub fn socket(mut self) -> Self {
        self.socket = true;
        self
    }

    /// The same row with a handler that answers nothing: what comes back tells what the guard
    /// decided, and nothing else happens.
    #[must_use]
    pub fn probe(&self) -> Self {
        Self {
            method: self.method.clone(),
            attach: Box::new(|route| {
                route.to(|| std::future::ready(actix_web::HttpResponse::NoContent().finish()))
            }),
            ..*self
        }
    }

    /// The domain of the row: its name up to the first dot.
    pub fn tag(&self) -> &'static str {
        self.name.split_once('.').map_or(self.name, |(tag, _)| tag)
    }
}

impl BodyLimit {
    /// The limit under these settings.
    pub fn bytes(self, limits: &Limits) -> usize {
        match self {
            BodyLimit::Ordinary => limits.body_bytes,
            BodyLimit::Upload => limits.upload_bytes,
            BodyLimit::Bytes(bytes) => bytes,
        }
    }
}

impl Scope {
    /// The name under which a key is granted the scope; none when any key will do.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Scope::Any => None,
            Scope::Chat => Some("chat"),
            Scope::Config => Some("config"),
            Scope::File => Some("file"),
            Scope::Im => Some("im"),
        }
    }
}

impl Needs {
    /// Decides from the published state. Only rows that may need the runtime hold on to it: a
    /// status stream that held it would delay the very stop that it reports.
    pub fn admit<R>(self, state: &State<R>) -> Result<Option<Lease<R>>, Refused> {
        match (self, state) {
            (Needs::Core, _) => Ok(None),
            (_, State::RuntimeReady(live)) => Ok(Some(live.lease())),
            (Needs::Recovery, State::RuntimeFailed(_) | State::CoreReady(Activity::Idle)) => {
                Ok(None)
            }
            (_, State::RuntimeFailed(_)) => Err(Refused::Failed),
            (_, State::CoreReady(Activity::Idle)) => Err(Refused::Stopped),
            (_, State::CoreReady(_) | State::Created) => Err(Refused::Loading),
        }
    }

    /// Its name in the documents.
    pub fn name(self) -> &'static str {
        match self {
            Needs::Core => "core",
            Needs::Recovery => "recovery",
            Needs::Runtime => "runtime",
        }
    }

    /// The larger of two needs, at compile time.
    pub(super) const fn and(self, other: Needs) -> Needs {
        if (self as u8) >= (other as u8) { self } else { other }
    }
}
