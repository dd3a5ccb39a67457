//! A package on its way in: complete and checked, and not one of the installed ones.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::address::{PackageOrigin, PackageSource};
use super::digest;
use super::documents::PackageDocuments;
use super::download::download;
use super::error::PackageError;
use super::files::{self, at, blocking};
use super::git::{self, Repositories};
use super::manifest::{Lane, MANIFEST_FILE, MANIFEST_LIMIT, ManifestProblem, PackageManifest};
use super::paths::PackagePath;
use super::web::Web;
use super::{folder, unpacking};

/// A package that can be installed. Dropped, it is removed.
#[derive(Debug)]
pub struct Staged {
    place: Place,
    manifest: PackageManifest,
    digest: String,
    documents: PackageDocuments,
    origin: PackageOrigin,
}

impl Staged {
    /// What its `plugin.toml` says.
    pub fn manifest(&self) -> &PackageManifest {
        &self.manifest
    }

    /// The SHA-256 of its files with their names, in hex.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// What it brings for people to read; files are where they are while it is staged.
    pub fn documents(&self) -> &PackageDocuments {
        &self.documents
    }

    /// Where it came from.
    pub fn origin(&self) -> &PackageOrigin {
        &self.origin
    }

    /// The folder that holds it.
    pub fn folder(&self) -> PathBuf {
        self.place.content()
    }

    /// Removes it, and waits until it is gone.
    pub async fn discard(self) {
        self.place.discard().await;
    }
}

/// Takes a package in, to a new folder below `staging`.
pub(super) async fn stage(
    source: PackageSource,
    staging: &Path,
    web: &Web,
    repositories: Repositories,
) -> Result<Staged, PackageError> {
    let place = Place::make(staging).await?;
    match fill(&place, source, web, repositories).await {
        Ok((origin, examined)) => {
            let Examined { manifest, digest, documents } = examined;
            Ok(Staged { place, manifest, digest, documents, origin })
        }
        Err(error) => {
            place.discard().await;
            Err(error)
        }
    }
}

async fn fill(
    place: &Place,
    source: PackageSource,
    web: &Web,
    repositories: Repositories,
) -> Result<(PackageOrigin, Examined), PackageError> {
    let content = place.content();
    let origin = match source {
        PackageSource::Folder { path } => {
            let (from, into) = (path.clone(), content.clone());
            blocking(move || Ok(folder::copy(&from, &into, folder::NOT_OF_A_WORKPLACE)?)).await?;
            PackageOrigin::Folder { path }
        }
        PackageSource::Archive { path, name } => {
            unpack(path, content.clone()).await?;
            PackageOrigin::Upload { name }
        }
        PackageSource::Git { url, branch } => {
            let (clone, into) = (place.path().join("clone"), content.clone());
            let commit = git::clone(&url, branch.as_deref(), &clone, repositories).await?;
            let copied = move || {
                folder::copy(&clone, &into, folder::NOT_OF_A_CLONE)?;
                files::remove(&clone).map_err(at(&clone))
            };
            blocking(copied).await?;
            PackageOrigin::Git { url, branch, commit }
        }
        PackageSource::Url { url, sha256 } => {
            let archive = place.path().join("archive.zip");
            let pinned = sha256.is_some();
            let sha256 = download(web, &url, sha256.as_deref(), &archive).await?;
            unpack(archive, content.clone()).await?;
            PackageOrigin::Url { url, sha256, pinned }
        }
    };
    Ok((origin, blocking(move || examine(&content)).await?))
}

async fn unpack(archive: PathBuf, into: PathBuf) -> Result<(), PackageError> {
    blocking(move || Ok(unpacking::unpack(&archive, &into)?)).await
}

/// Looks at a folder as if it were taken in, and takes nothing. Blocks.
pub(in crate::plugins) fn look_at(folder: &Path) -> Result<PackageManifest, PackageError> {
    folder::examine(folder, folder::NOT_OF_A_WORKPLACE)?;
    let manifest = read_manifest(folder)?;
    check_files(folder, &manifest)?;
    Ok(manifest)
}

/// What is known of a package once it has been looked at.
struct Examined {
    manifest: PackageManifest,
    digest: String,
    documents: PackageDocuments,
}

fn examine(content: &Path) -> Result<Examined, PackageError> {
    let manifest = read_manifest(content)?;
    check_files(content, &manifest)?;
    let digest = digest::of_content(content).map_err(at(content))?;
    Ok(Examined { manifest, digest, documents: PackageDocuments::read(content) })
}

/// Reads the manifest of the package in that folder. Blocks.
pub(super) fn read_manifest(content: &Path) -> Result<PackageManifest, PackageError> {
    let path = content.join(MANIFEST_FILE);
    let file = match fs::File::open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(PackageError::NoManifest);
        }
        opened => opened.map_err(at(&path))?,
    };
    let mut bytes = Vec::new();
    file.take(MANIFEST_LIMIT as u64 + 1).read_to_end(&mut bytes).map_err(at(&path))?;
    if bytes.len() > MANIFEST_LIMIT {
        return Err(ManifestProblem::TooLarge.into());
    }
    let text = String::from_utf8(bytes);
    let text = text.map_err(|_| ManifestProblem::Form("it is not UTF-8".to_owned()))?;
    Ok(PackageManifest::parse(&text)?)
}

/// Checks that what the manifest names is there.
fn check_files(content: &Path, manifest: &PackageManifest) -> Result<(), PackageError> {
    let check = |path: &str, file: PathBuf| {
        if file.is_file() { Ok(()) } else { Err(PackageError::NoFile { path: path.to_owned() }) }
    };
    match &manifest.lane {
        Lane::Component { file } => check(file.as_str(), file.below(content))?,
        Lane::Process { command } => {
            // A program without a separator in its name is one of the system's.
            let program = command.first().filter(|program| program.contains('/'));
            if let Some(path) = program.and_then(|program| PackagePath::parse(program).ok()) {
                check(path.as_str(), path.below(content))?;
            }
        }
    }
    for page in &manifest.pages {
        let index = format!("{}/index.html", page.path);
        check(&index, content.join(&index))?;
    }
    Ok(())
}

/// A folder for one package on its way in. Dropped, it is removed.
#[derive(Debug)]
struct Place(Option<PathBuf>);

impl Place {
    async fn make(staging: &Path) -> Result<Self, PackageError> {
        let path = staging.join(uuid::Uuid::new_v4().to_string());
        let content = path.join("content");
        blocking(move || files::make_private(&content).map_err(at(&content))).await?;
        Ok(Self(Some(path)))
    }

    fn path(&self) -> &Path {
        self.0.as_deref().unwrap_or(Path::new(""))
    }

    fn content(&self) -> PathBuf {
        self.path().join("content")
    }

    async fn discard(mut self) {
        if let Some(path) = self.0.take() {
            let _what_is_left_is_swept = blocking(move || {
                remove(&path);
                Ok(())
            })
            .await;
        }
    }
}

impl Drop for Place {
    /// Removing may take long, so it must not hold up who drops this; the sweep of the next start
    /// makes up for a removal that the end of the process cuts short.
    fn drop(&mut self) {
        let Some(path) = self.0.take() else { return };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(move || remove(&path))),
            Err(_) => remove(&path),
        }
    }
}

fn remove(path: &Path) {
    if let Err(error) = files::remove(path) {
        tracing::warn!(path = %path.display(), %error, "a folder for staging cannot be removed");
    }
}
