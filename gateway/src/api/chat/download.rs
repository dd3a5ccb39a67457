//! A stored file as an answer: whole or in part, and never as something that a browser runs.

use std::fs::File;
use std::io::ErrorKind;
use std::path::PathBuf;

use actix_files::NamedFile;
use actix_web::body::BoxBody;
use actix_web::http::header::{
    Charset, ContentDisposition, DispositionParam, DispositionType, ExtendedValue,
};
use actix_web::{HttpRequest, HttpResponse, Responder};
use firstlight_core::db::Attachment;
use serde_json::json;

use crate::http::describe::{Operation, Output};
use crate::http::{ApiError, Code};

/// What browsers show by themselves without running anything of it.
#[rustfmt::skip]
const SHOWN: &[&str] = &[
    "audio/aac", "audio/flac", "audio/mp4", "audio/mpeg", "audio/ogg", "audio/wav", "audio/webm",
    "audio/x-wav", "image/avif", "image/bmp", "image/gif", "image/jpeg", "image/png", "image/webp",
    "video/mp4", "video/ogg", "video/quicktime", "video/webm",
];

/// A stored file.
pub struct Download {
    file: File,
    path: PathBuf,
    mime_type: String,
    filename: String,
}

/// Says that there is no such file: not for this caller.
pub fn missing() -> ApiError {
    ApiError::with(Code::NotFound, "There is no such file.")
}

impl Download {
    /// Opens what was found.
    pub async fn of(found: Option<Attachment>) -> Result<Self, ApiError> {
        let Attachment { path, mime_type, filename, .. } = found.ok_or_else(missing)?;
        Self::open(path, mime_type, filename).await
    }

    /// Opens a picture.
    pub async fn of_picture(path: PathBuf) -> Result<Self, ApiError> {
        let mime_type = mime_guess::from_path(&path).first_or_octet_stream().to_string();
        let filename = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Self::open(path, mime_type, filename).await
    }

    async fn open(path: PathBuf, mime_type: String, filename: String) -> Result<Self, ApiError> {
        match tokio::fs::File::open(&path).await {
            Ok(file) => Ok(Self { file: file.into_std().await, path, mime_type, filename }),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(missing()),
            Err(error) => Err(ApiError::new(Code::StorageFailed).caused_by(error)),
        }
    }
}

impl Responder for Download {
    type Body = BoxBody;

    fn respond_to(self, http: &HttpRequest) -> HttpResponse {
        let Self { file, path, mime_type, filename } = self;
        let shown = SHOWN.iter().find(|shown| **shown == mime_type);
        let mime = shown.and_then(|mime| mime.parse().ok());
        let place = match mime {
            Some(_) => DispositionType::Inline,
            None => DispositionType::Attachment,
        };
        match NamedFile::from_file(file, path) {
            Ok(file) => file
                .set_content_type(mime.unwrap_or(mime_guess::mime::APPLICATION_OCTET_STREAM))
                .set_content_disposition(named(place, &filename))
                .use_last_modified(false)
                .into_response(http),
            Err(error) => {
                let error = ApiError::new(Code::StorageFailed).caused_by(error);
                HttpResponse::from_error(error)
            }
        }
    }
}

/// The name in both of its forms: what old clients understand, and what was sent.
fn named(disposition: DispositionType, filename: &str) -> ContentDisposition {
    let plain = |c: char| if c.is_ascii_graphic() && !matches!(c, '"' | '\\') { c } else { '_' };
    let whole = ExtendedValue {
        charset: Charset::Ext("UTF-8".to_owned()),
        language_tag: None,
        value: filename.as_bytes().to_owned(),
    };
    ContentDisposition {
        disposition,
        parameters: vec![
            DispositionParam::Filename(filename.chars().map(plain).collect()),
            DispositionParam::FilenameExt(whole),
        ],
    }
}

impl Output for Download {
    fn describe(operation: &mut Operation<'_>) {
        let bytes = json!({ "type": "string", "format": "binary" });
        operation.answer("200", "The file.", "*/*", &bytes);
        operation.answer("206", "A part of the file.", "*/*", &bytes);
    }
}
