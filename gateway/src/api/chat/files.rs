//! Files of the chat: uploaded and served.

use actix_web::web::Data;
use futures_util::TryStreamExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::download::{Download, missing};
use crate::app::App;
use crate::files::LIFETIME;
use crate::http::{
    Answer, ApiError, Caller, Code, Json, Multipart, Path, Query, Reply, RuntimeLease,
};

/// The longest name of a file, in bytes.
const NAME_LIMIT: usize = 255;

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

/// `POST /api/chat/post_file`, `POST /api/v1/file`: the form's field `file`. What it is called is
/// only shown: it never becomes a name on the disk.
pub async fn upload(
    app: Data<App>,
    _lease: RuntimeLease,
    caller: Caller,
    Multipart(mut form): Multipart,
) -> Answer<Stored> {
    while let Some(mut field) = form.try_next().await.map_err(ApiError::from)? {
        if field.name() != Some("file") {
            continue;
        }
        let disposition = field.content_disposition();
        let name = plain_name(disposition.and_then(|d| d.get_filename()).unwrap_or_default());
        let mime = field.content_type().map_or_else(
            || mime_guess::from_path(&name).first_or_octet_stream().to_string(),
            |mime| mime.essence_str().to_owned(),
        );
        let mut upload = app.database.attachments().begin().await?.readable_by(reader(&caller));
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

/// `GET /api/chat/get_file`: by the name that events of the chat give, or by the name that it was
/// uploaded with.
pub async fn by_name(
    app: Data<App>,
    _lease: RuntimeLease,
    caller: Caller,
    Query(which): Query<ByName>,
) -> Result<Download, ApiError> {
    let name = which.filename.as_str();
    if name.is_empty() || name.contains(['/', '\\', '\0']) || name == ".." {
        return Err(ApiError::with(Code::Invalid, "filename must be a plain file name."));
    }
    let (attachments, reader) = (app.database.attachments(), reader(&caller));
    let id = name.split_once('.').map_or(name, |(id, _)| id);
    let found = match attachments.readable(id, &reader).await? {
        None => attachments.readable_by_name(name, &reader).await?,
        found => found,
    };
    Download::of(found).await
}

/// `GET /api/chat/get_attachment`, `GET /api/v1/file`: by the id.
pub async fn by_id(
    app: Data<App>,
    _lease: RuntimeLease,
    caller: Caller,
    Query(which): Query<ById>,
) -> Result<Download, ApiError> {
    let found = app.database.attachments().readable(&which.attachment_id, &reader(&caller)).await?;
    Download::of(found).await
}

/// As whom a caller reads attachments.
pub fn reader(caller: &Caller) -> String {
    caller.identity().unwrap_or_default()
}

/// The last part of a name without what does not belong into one, and not longer than a file
/// system would take it.
fn plain_name(sent: &str) -> String {
    let last = sent.rsplit(['/', '\\']).next().unwrap_or_default();
    let mut name: String = last.chars().filter(|c| !c.is_control()).collect();
    name.truncate(name.floor_char_boundary(NAME_LIMIT));
    if name.trim().is_empty() { "file".to_owned() } else { name }
}

/// `POST /api/file/link`
pub async fn link(
    app: Data<App>,
    _lease: RuntimeLease,
    caller: Caller,
    Json(which): Json<ById>,
) -> Answer<Link> {
    let found = app.database.attachments().readable(&which.attachment_id, &reader(&caller)).await?;
    found.ok_or_else(missing)?;
    let file_token = app.files.issue(&which.attachment_id);
    let url = format!("/api/file/{file_token}");
    Ok(Reply::data(Link { file_token, url, expires_in: LIFETIME.as_secs() }))
}

/// `GET /api/file/{file_token}`
pub async fn by_link(app: Data<App>, Path(path): Path<LinkPath>) -> Result<Download, ApiError> {
    let gone = || ApiError::new(Code::FileGone);
    if let Some(picture) = app.files.picture_of(&path.file_token) {
        return Download::of_picture(picture).await.map_err(|_| gone());
    }
    let attachment = app.files.redeem(&path.file_token).ok_or_else(gone)?;
    let found = app.database.attachments().by_id(&attachment).await?;
    Download::of(Some(found.ok_or_else(gone)?)).await
}

#[cfg(test)]
mod tests {
    use super::plain_name;

    #[test]
    fn s6_a_name_that_was_sent_is_no_path() {
        for (sent, name) in [
            ("cat.png", "cat.png"),
            ("../../etc/passwd", "passwd"),
            ("C:\\temp\\cat.png", "cat.png"),
            ("a\nb\0.png", "ab.png"),
            ("dir/", "file"),
            (" ", "file"),
        ] {
            assert_eq!(plain_name(sent), name, "{sent:?}");
        }
        assert_eq!(plain_name(&"\u{732b}".repeat(200)).len(), 255);
    }
}
