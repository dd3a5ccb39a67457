//! Files of the chat: uploaded and served.

use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::web::Data;
use firstlight_core::db::Attachment;
use futures_util::TryStreamExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_util::io::ReaderStream;

use crate::app::App;
use crate::files::LIFETIME;
use crate::http::{Answer, ApiError, Code, Json, Multipart, Path, Query, Reply, RuntimeLease};

/// A stored file.
#[derive(Serialize, JsonSchema)]
pub struct Stored {
    attachment_id: String,
    filename: String,
    /// `image`, `record`, `video` or `file`.
    #[serde(rename = "type")]
    kind: String,
}

/// Which file, by its name.
#[derive(Deserialize, JsonSchema)]
pub struct ByName {
    #[serde(default)]
    filename: String,
}

/// Which file, by its id.
#[derive(Deserialize, JsonSchema)]
pub struct ById {
    #[serde(default)]
    attachment_id: String,
}

/// A one-time link.
#[derive(Serialize, JsonSchema)]
pub struct Link {
    file_token: String,
    /// Where the file is, once.
    url: String,
    /// Seconds.
    expires_in: u64,
}

/// Which link.
#[derive(Deserialize, JsonSchema)]
pub struct LinkPath {
    file_token: String,
}

/// `POST /api/chat/post_file`, `POST /api/v1/file`: the form's field `file`.
pub async fn upload(
    app: Data<App>,
    _lease: RuntimeLease,
    Multipart(mut form): Multipart,
) -> Answer<Stored> {
    while let Some(mut field) = form.try_next().await.map_err(ApiError::from)? {
        if field.name() != Some("file") {
            continue;
        }
        let disposition = field.content_disposition();
        let name = disposition.and_then(|d| d.get_filename()).unwrap_or("file").to_owned();
        let mime = field.content_type().map_or_else(
            || mime_guess::from_path(&name).first_or_octet_stream().to_string(),
            ToString::to_string,
        );
        let mut upload = app.database.attachments().begin().await?;
        while let Some(piece) = field.try_next().await.map_err(ApiError::from)? {
            upload.write(&piece).await?;
        }
        if upload.size() == 0 {
            return Err(ApiError::with(Code::Invalid, "The file is empty."));
        }
        let stored = upload.finish(&name, &mime).await?;
        return Ok(Reply::data(Stored {
            attachment_id: stored.attachment_id,
            filename: stored.filename,
            kind: stored.kind,
        }));
    }
    Err(ApiError::with(Code::Invalid, "The form has no field called `file`."))
}

/// `GET /api/chat/get_file`: by the base name.
pub async fn by_name(
    app: Data<App>,
    _lease: RuntimeLease,
    Query(which): Query<ByName>,
) -> Result<HttpResponse, ApiError> {
    let name = which.filename.as_str();
    if name.is_empty() || name.contains(['/', '\\', '\0']) || name == ".." {
        return Err(ApiError::with(Code::Invalid, "filename must be a plain file name."));
    }
    serve(app.database.attachments().by_filename(name).await?).await
}

/// `GET /api/chat/get_attachment`, `GET /api/v1/file`: by the id.
pub async fn by_id(
    app: Data<App>,
    _lease: RuntimeLease,
    Query(which): Query<ById>,
) -> Result<HttpResponse, ApiError> {
    serve(app.database.attachments().by_id(&which.attachment_id).await?).await
}

/// `POST /api/file/link`
pub async fn link(app: Data<App>, _lease: RuntimeLease, Json(which): Json<ById>) -> Answer<Link> {
    let found = app.database.attachments().by_id(&which.attachment_id).await?;
    found.ok_or_else(|| ApiError::with(Code::NotFound, "There is no such file."))?;
    let file_token = app.files.issue(&which.attachment_id);
    let url = format!("/api/file/{file_token}");
    Ok(Reply::data(Link { file_token, url, expires_in: LIFETIME.as_secs() }))
}

/// `GET /api/file/{file_token}`
pub async fn by_link(app: Data<App>, Path(path): Path<LinkPath>) -> Result<HttpResponse, ApiError> {
    let gone = || ApiError::new(Code::FileGone);
    let attachment = app.files.redeem(&path.file_token).ok_or_else(gone)?;
    let found = app.database.attachments().by_id(&attachment).await?;
    serve(Some(found.ok_or_else(gone)?)).await
}

/// Streams a file. Only types that a browser cannot run are shown in place; the rest is saved.
async fn serve(found: Option<Attachment>) -> Result<HttpResponse, ApiError> {
    let missing = || ApiError::with(Code::NotFound, "There is no such file.");
    let attachment = found.ok_or_else(missing)?;
    let file = match tokio::fs::File::open(&attachment.path).await {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(missing()),
        Err(error) => return Err(ApiError::new(Code::StorageFailed).caused_by(error)),
    };
    let mime = attachment.mime_type.as_str();
    let harmless = mime.starts_with("audio/")
        || mime.starts_with("video/")
        || matches!(mime, "image/png" | "image/jpeg" | "image/gif" | "image/webp" | "image/avif");
    let (mime, place) =
        if harmless { (mime, "inline") } else { ("application/octet-stream", "attachment") };
    let name: String = (attachment.filename.chars())
        .map(|c| if c.is_ascii_graphic() && c != '"' && c != '\\' { c } else { '_' })
        .collect();
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, mime))
        .insert_header((CONTENT_DISPOSITION, format!("{place}; filename=\"{name}\"")))
        .no_chunking(attachment.size)
        .streaming(ReaderStream::new(file)))
}
