//! A system without Unix sockets: a command finds no gateway to talk to.

/// Nobody can be asked.
#[expect(clippy::unused_async, reason = "the same on every system")]
pub(crate) async fn ask(
    _path: &std::path::Path,
    _request: &super::Request,
) -> Result<Option<Result<serde_json::Value, crate::exit::Problem>>, crate::exit::Problem> {
    Ok(None)
}

/// Nothing is served.
pub(crate) fn serve(
    _folder: &std::path::Path,
    _app: &std::sync::Arc<crate::app::App>,
) -> std::io::Result<Option<std::path::PathBuf>> {
    Ok(None)
}
