//! What the runtime's errors about plugins mean to a caller. Each match is exhaustive: a new case
//! does not compile until someone chose its code.

use firstlight_runtime::plugins::packages::WebError;
use firstlight_runtime::plugins::{
    ChangeError, MarketError, PackageError, PackageErrorKind, ReloadError, RemoveFailedError,
};

use crate::api::errors::sentence;
use crate::http::{ApiError, Code};

impl From<ReloadError> for ApiError {
    fn from(error: ReloadError) -> Self {
        let text = sentence(&error.to_string());
        match error {
            ReloadError::Unknown { .. } => ApiError::with(Code::NotFound, text),
            ReloadError::Load { .. } => ApiError::with(Code::PluginFailed, text),
        }
    }
}

impl From<RemoveFailedError> for ApiError {
    fn from(error: RemoveFailedError) -> Self {
        let text = sentence(&error.to_string());
        match error {
            RemoveFailedError::NotFailed { .. } => ApiError::with(Code::NotFound, text),
            RemoveFailedError::Reserved { .. } => ApiError::with(Code::PluginReserved, text),
            RemoveFailedError::Change(error) => (*error).into(),
            RemoveFailedError::Store(error) => error.into(),
        }
    }
}

impl From<PackageError> for ApiError {
    fn from(error: PackageError) -> Self {
        let text = sentence(&error.to_string());
        let code = match error.kind() {
            PackageErrorKind::Address => Code::Invalid,
            PackageErrorKind::Unreachable => Code::Unreachable,
            PackageErrorKind::GitMissing => Code::GitMissing,
            PackageErrorKind::Checksum => Code::ChecksumWrong,
            PackageErrorKind::Invalid => Code::PackageRefused,
            PackageErrorKind::Incompatible => Code::PluginIncompatible,
            PackageErrorKind::Unknown => Code::NotFound,
            // What the disk or the database said is for the log.
            PackageErrorKind::Storage => {
                return ApiError::new(Code::StorageFailed).caused_by(error);
            }
        };
        ApiError::with(code, text)
    }
}

impl From<ChangeError> for ApiError {
    fn from(error: ChangeError) -> Self {
        let text = sentence(&error.to_string());
        let code = match error {
            ChangeError::Package(error) => return error.into(),
            ChangeError::Load(error) => return error.into(),
            ChangeError::Store(error) => return error.into(),
            ChangeError::Reserved { .. } => Code::PluginReserved,
            ChangeError::Unknown { .. } => Code::NotFound,
            ChangeError::Needed { .. } => Code::PluginNeeded,
            ChangeError::NoOrigin { .. } => Code::PluginOriginUnknown,
        };
        ApiError::with(code, text)
    }
}

impl From<MarketError> for ApiError {
    fn from(error: MarketError) -> Self {
        let text = sentence(&error.to_string());
        let code = match error {
            MarketError::Web(WebError::Address | WebError::Private)
            | MarketError::TooManySources => Code::Invalid,
            MarketError::Web(_) | MarketError::Form => Code::Unreachable,
            MarketError::Store(error) => return error.into(),
        };
        ApiError::with(code, text)
    }
}
