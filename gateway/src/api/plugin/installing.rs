//! Installing plugins: from an address, a folder of the gateway's machine, or an archive.

use std::path::PathBuf;

use actix_multipart::Field;
use actix_web::web::{BytesMut, Data};
use firstlight_runtime::plugins::packages::Upload;
use firstlight_runtime::plugins::{InstallTerms, PackageSource, Staged, VersionCheck};
use firstlight_runtime::plugins_api::Capabilities;
use futures_util::TryStreamExt as _;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::changing::is_proxy;
use super::consent::{Consent, Grants, Warning};
use crate::api::config::saving::{carried_out, given};
use crate::app::App;
use crate::http::{Answer, ApiError, Code, Json, Message, Multipart, Reply, RuntimeLease};

/// The longest text of a form's field, in bytes.
const TEXT_LIMIT: usize = 64 * 1024;

/// What to install.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "InstallPlugin")]
pub struct Install {
    /// A repository, or a zip archive: `https://…`.
    #[serde(default)]
    url: String,
    /// A folder on the gateway's machine, in place of an address.
    #[serde(default)]
    folder: Option<PathBuf>,
    /// The branch or tag of a repository.
    #[serde(default)]
    branch: Option<String>,
    /// The SHA-256 that an archive must have, in hex.
    #[serde(default)]
    sha256: Option<String>,
    /// Install it although it is made for other versions.
    #[serde(default)]
    ignore_version_check: bool,
    /// What it is allowed: an object as in `plugin.toml`, or `"all"` for all that it asks for.
    #[serde(default)]
    grants: Option<Value>,
    /// Not used: the gateway's own settings decide.
    #[serde(default)]
    proxy: Option<String>,
}

/// What became of it.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "PluginInstallOutcome")]
pub enum Outcome {
    /// It is installed and runs.
    Installed(Box<InstalledNow>),
    /// Nothing is installed until the operator agrees.
    Warning(Warning),
}

/// A plugin that was installed.
#[derive(Serialize, JsonSchema)]
pub struct InstalledNow {
    repo: String,
    readme: Option<String>,
    name: String,
    version: String,
    /// What it asks for and was not granted.
    #[schemars(with = "Value")]
    not_granted: Capabilities,
}

/// `POST /api/plugin/install`
pub async fn install(
    app: Data<App>,
    lease: RuntimeLease,
    Json(asked): Json<Install>,
) -> Answer<Outcome> {
    let source = source(&asked)?;
    let consent = Consent {
        version_check: version_check(asked.ignore_version_check),
        grants: Grants::read(asked.grants)?,
    };
    let reply = put_in(&app, lease, Arrived { source, upload: None }, consent).await?;
    let is_proxy = is_proxy(asked.proxy.as_deref());
    Ok(if is_proxy { reply.message(Message::PluginProxyIgnored) } else { reply })
}

fn source(asked: &Install) -> Result<PackageSource, ApiError> {
    if let Some(path) = asked.folder.clone() {
        if !path.is_absolute() {
            return Err(ApiError::with(Code::Invalid, "folder must be an absolute path."));
        }
        return Ok(PackageSource::Folder { path });
    }
    let address = given("url", &asked.url)?;
    let source = PackageSource::of_address(address, asked.sha256.as_deref())?;
    let branch = asked.branch.clone().filter(|branch| !branch.trim().is_empty());
    match (source, branch) {
        (PackageSource::Git { url, .. }, Some(branch)) => {
            Ok(PackageSource::Git { url, branch: Some(branch) })
        }
        (_, Some(_)) => Err(ApiError::with(Code::Invalid, "Only a repository has branches.")),
        (source, None) => Ok(source),
    }
}

fn version_check(ignore: bool) -> VersionCheck {
    if ignore { VersionCheck::Waived } else { VersionCheck::Required }
}

/// `POST /api/plugin/install-upload`: the form's fields `file`, `ignore_version_check` and `grants`.
pub async fn install_upload(
    app: Data<App>,
    lease: RuntimeLease,
    Multipart(mut form): Multipart,
) -> Answer<Outcome> {
    let (mut arrived, mut ignore, mut grants) = (None, false, None);
    while let Some(mut field) = form.try_next().await.map_err(ApiError::from)? {
        match field.name() {
            Some("file") => arrived = Some(receive(&app, &mut field).await?),
            Some("ignore_version_check") => ignore = text(&mut field).await?.trim() == "true",
            Some("grants") => grants = Some(text(&mut field).await?),
            _ => {}
        }
    }
    let missing = || ApiError::with(Code::Invalid, "The form has no field called `file`.");
    let arrived = arrived.ok_or_else(missing)?;
    let grants = grants.filter(|grants| !grants.trim().is_empty()).map(|grants| {
        // The word may stand there without the quotes of JSON.
        serde_json::from_str(&grants).unwrap_or(Value::String(grants))
    });
    let consent = Consent { version_check: version_check(ignore), grants: Grants::read(grants)? };
    put_in(&app, lease, arrived, consent).await
}

async fn receive(app: &App, field: &mut Field) -> Result<Arrived, ApiError> {
    let name = field.content_disposition().and_then(|d| d.get_filename()).unwrap_or_default();
    let name: String = name.chars().filter(|c| !c.is_control()).take(255).collect();
    let mut upload = app.plugins.packages().begin_upload().await?;
    while let Some(piece) = field.try_next().await.map_err(ApiError::from)? {
        upload.write(&piece).await?;
    }
    if upload.size() == 0 {
        return Err(ApiError::with(Code::Invalid, "The file is empty."));
    }
    Ok(Arrived { source: upload.source(name).await?, upload: Some(upload) })
}

async fn text(field: &mut Field) -> Result<String, ApiError> {
    let mut bytes = BytesMut::new();
    while let Some(piece) = field.try_next().await.map_err(ApiError::from)? {
        if bytes.len().saturating_add(piece.len()) > TEXT_LIMIT {
            return Err(ApiError::new(Code::BodyTooLarge));
        }
        bytes.extend_from_slice(&piece);
    }
    String::from_utf8(bytes.to_vec())
        .map_err(|_| ApiError::with(Code::BodyInvalid, "A field of the form is not UTF-8."))
}

/// A package that can be looked at, and the file that it is in when somebody sent it.
struct Arrived {
    source: PackageSource,
    upload: Option<Upload>,
}

/// Looks at a package, asks what must be asked, and installs it. Once it has begun it goes on to its
/// end, also when the caller goes away.
async fn put_in(
    app: &Data<App>,
    lease: RuntimeLease,
    arrived: Arrived,
    consent: Consent,
) -> Answer<Outcome> {
    carried_out(app, "plugin.install", move |app| async move {
        let Arrived { source, upload } = arrived;
        let staged = app.plugins.stage(source).await?;
        drop(upload);
        let before = app.plugins.installed(&staged.manifest().name);
        let held = before.map(|before| before.granted).unwrap_or_default();
        if let Some((warning, said)) = consent.missing(&staged, &held) {
            staged.discard().await;
            return Ok(Reply::data(Outcome::Warning(warning)).message(said).warning());
        }
        let installed = agreed(&lease, staged, &consent).await?;
        Ok(Reply::data(Outcome::Installed(Box::new(installed))))
    })
    .await
}

async fn agreed(
    lease: &RuntimeLease,
    staged: Staged,
    consent: &Consent,
) -> Result<InstalledNow, ApiError> {
    let manifest = staged.manifest().clone();
    let readme = staged.documents().readme.clone();
    let asked = &manifest.capabilities;
    let grants = consent.grants.as_ref().map(|grants| grants.of(asked));
    let terms = InstallTerms {
        grants: grants.clone().unwrap_or_default(),
        source: staged.origin().clone(),
        version_check: consent.version_check,
    };
    let installed = lease.plugins.install(staged, terms).await?;
    let mut not_granted = installed.not_granted;
    if let (Some(_), Some(grants)) = (installed.former, grants) {
        // In place of another one it has what that one had; what was said now goes before.
        not_granted = asked.without(&grants);
        lease.plugins.grant(&manifest.name, grants).await?;
    }
    Ok(InstalledNow {
        repo: manifest.repository,
        readme,
        version: manifest.version.to_string(),
        name: manifest.name,
        not_granted,
    })
}
