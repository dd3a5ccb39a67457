//! From a plugin's file to code: encoded as a component, compiled in a child process with limits,
//! and kept by the digest of what it was compiled from. The cache may be deleted at any time.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use firstlight_core::db::{Database, DbError};
use firstlight_plugins_api::wire::API_VERSION;
use parking_lot::Mutex;
use tokio::process::Command;
use wasmparser::{Parser, Payload};
use wasmtime::component::Component;

use super::engine::{Engine, config};
use super::instance::SharedCode;
use super::mapped;

/// How long compiling may take, and how much memory.
const COMPILE_LIMIT: Duration = Duration::from_mins(3);
/// The section that says by which version of the messages a plugin was built.
const API_SECTION: &str = "firstlight-plugin-api";
/// The only interface that a plugin may import.
const IMPORT: &str = "firstlight:plugin/host@";

/// Who compiles.
#[derive(Debug, Clone)]
pub enum Compiler {
    /// A child process: `program plugin compile FROM TO`. What compiling takes is given back.
    Child(PathBuf),
    /// This process; for tests.
    InProcess,
}

/// The code of all components.
pub(in crate::plugins) struct Code {
    folder: PathBuf,
    compiler: Compiler,
    database: Database,
    /// What is compiled, by key; read when the first component is loaded.
    digests: tokio::sync::OnceCell<Mutex<HashMap<String, Vec<u8>>>>,
    /// One compilation at a time: it uses every processor.
    compiling: tokio::sync::Mutex<()>,
}

/// Why there is no code.
#[derive(Debug, thiserror::Error)]
pub enum CodeError {
    /// The file cannot be read.
    #[error("{path} cannot be read: {source}", path = .path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is no plugin.
    #[error("it is no plugin for this gateway: {0}")]
    NoPlugin(String),
    /// It was built by a version that is not spoken here.
    #[error(
        "it was built for version {found} of the plugin messages, this gateway speaks {API_VERSION}"
    )]
    Api {
        /// What it says.
        found: String,
    },
    /// It does not compile.
    #[error("it does not compile: {0}")]
    Compile(String),
    /// The cache cannot be written.
    #[error("the compiled code cannot be stored: {0}")]
    Store(String),
    /// The sandbox cannot be set up.
    #[error("the sandbox cannot be set up: {0}")]
    Engine(String),
    /// What is known of compiled code cannot be read.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// What kind of file it is, and whether it may be loaded.
pub(in crate::plugins) fn encode(bytes: &[u8]) -> Result<Vec<u8>, CodeError> {
    let no_plugin = |reason: String| CodeError::NoPlugin(reason);
    check_version(bytes)?;
    if Parser::is_component(bytes) {
        check_imports(bytes)?;
        return Ok(bytes.to_vec());
    }
    if !Parser::is_core_wasm(bytes) {
        return Err(no_plugin("the file is no WebAssembly".to_owned()));
    }
    let component = wit_component::ComponentEncoder::default()
        .module(bytes)
        .and_then(|encoder| encoder.validate(true).encode())
        .map_err(|error| no_plugin(format!("{error:#}")))?;
    check_imports(&component)?;
    Ok(component)
}

/// Every version of the same major one is spoken.
fn check_version(bytes: &[u8]) -> Result<(), CodeError> {
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.map_err(|error| CodeError::NoPlugin(error.to_string()))?;
        if let Payload::CustomSection(section) = payload
            && section.name() == API_SECTION
        {
            let found = String::from_utf8_lossy(section.data()).into_owned();
            let major = |version: &str| version.split('.').next().map(str::to_owned);
            if major(&found) == major(API_VERSION) {
                return Ok(());
            }
            return Err(CodeError::Api { found });
        }
    }
    let reason = "it does not say by which version of the plugin messages it was built; build it \
                  with `firstlight_plugins_api::component!` for wasm32-unknown-unknown";
    Err(CodeError::NoPlugin(reason.to_owned()))
}

/// A component for WASI would find none of it.
fn check_imports(component: &[u8]) -> Result<(), CodeError> {
    let mut depth = 0;
    for payload in Parser::new(0).parse_all(component) {
        match payload.map_err(|error| CodeError::NoPlugin(error.to_string()))? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ComponentImportSection(imports) if depth == 0 => {
                for import in imports {
                    let import = import.map_err(|e| CodeError::NoPlugin(e.to_string()))?;
                    let name = import.name.name;
                    if !name.starts_with(IMPORT) {
                        return Err(CodeError::NoPlugin(format!(
                            "it imports {name}, which plugins do not have; build it for \
                             wasm32-unknown-unknown, not for a target with WASI"
                        )));
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Compiles a component to a file: the work of the child process.
pub fn compile_file(from: &Path, to: &Path) -> Result<(), CodeError> {
    let read = |source| CodeError::Read { path: from.to_owned(), source };
    let component = std::fs::read(from).map_err(read)?;
    let engine = wasmtime::Engine::new(&config(false))
        .map_err(|error| CodeError::Engine(error.to_string()))?;
    let code = engine
        .precompile_component(&component)
        .map_err(|error| CodeError::Compile(format!("{error:#}")))?;
    std::fs::write(to, code).map_err(|error| CodeError::Store(error.to_string()))
}

impl Code {
    pub(in crate::plugins) fn new(folder: PathBuf, compiler: Compiler, database: Database) -> Self {
        Self {
            folder,
            compiler,
            database,
            digests: tokio::sync::OnceCell::new(),
            compiling: tokio::sync::Mutex::new(()),
        }
    }

    /// The code of a component, from the cache or compiled now.
    pub(super) async fn load(
        &self,
        engine: &Arc<Engine>,
        component: &Path,
    ) -> Result<SharedCode, CodeError> {
        let path = component.to_owned();
        let digest = blocking(move || digest_of(&path)).await?;
        let key = format!("{digest}-{:016x}", compatibility(&engine.engine));
        if let Some(code) = self.cached(engine, &key).await? {
            return Ok(code);
        }
        let _alone = self.compiling.lock().await;
        // Somebody else may have compiled the same meanwhile.
        if let Some(code) = self.cached(engine, &key).await? {
            return Ok(code);
        }
        self.compile(component, &key).await?;
        let missing = || CodeError::Store("what was compiled is gone again".to_owned());
        self.cached(engine, &key).await?.ok_or_else(missing)
    }

    /// The cached code of a key, when it is what was compiled.
    async fn cached(
        &self,
        engine: &Arc<Engine>,
        key: &str,
    ) -> Result<Option<SharedCode>, CodeError> {
        let Some(known) = self.digests().await?.lock().get(key).cloned() else { return Ok(None) };
        let (path, engine) = (self.path(key), Arc::clone(engine));
        blocking(move || {
            // A file that is gone, or is not what was written, is compiled again.
            if digest_of(&path).ok().map(String::into_bytes) != Some(known) {
                return Ok(None);
            }
            Ok(mapped::load(&engine.engine, &path).ok().and_then(|code| ready(&engine, &code)))
        })
        .await
    }

    async fn compile(&self, component: &Path, key: &str) -> Result<(), CodeError> {
        let store = |error: io::Error| CodeError::Store(error.to_string());
        make_private(&self.folder).map_err(store)?;
        let (path, unfinished) = (self.path(key), self.folder.join(format!("{key}.unfinished")));
        let begun = tokio::time::Instant::now();
        match &self.compiler {
            Compiler::InProcess => {
                let (from, to) = (component.to_owned(), unfinished.clone());
                blocking(move || compile_file(&from, &to)).await?;
            }
            Compiler::Child(program) => in_child(program, component, &unfinished).await?,
        }
        let digest = {
            let path = unfinished.clone();
            blocking(move || digest_of(&path)).await?
        };
        std::fs::rename(&unfinished, &path).map_err(store)?;
        self.database.plugin_code().put(key, digest.as_bytes()).await?;
        self.digests().await?.lock().insert(key.to_owned(), digest.into_bytes());
        tracing::info!(took = ?begun.elapsed(), "a plugin was compiled");
        Ok(())
    }

    async fn digests(&self) -> Result<&Mutex<HashMap<String, Vec<u8>>>, DbError> {
        let read = || async {
            let all = self.database.plugin_code().all().await?;
            Ok(Mutex::new(all.into_iter().map(|code| (code.key, code.digest)).collect()))
        };
        self.digests.get_or_try_init(read).await
    }

    fn path(&self, key: &str) -> PathBuf {
        self.folder.join(format!("{key}.cwasm"))
    }
}

fn ready(engine: &Engine, code: &Component) -> Option<SharedCode> {
    engine.linker.instantiate_pre(code).map(Arc::new).ok()
}

async fn in_child(program: &Path, from: &Path, to: &Path) -> Result<(), CodeError> {
    let failed = |what: String| CodeError::Compile(what);
    let mut command = Command::new(program);
    command.args(["plugin", "compile"]).arg(from).arg(to);
    command.env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command.kill_on_drop(true);
    let child = command.spawn().map_err(|error| failed(error.to_string()))?;
    let ended = tokio::time::timeout(COMPILE_LIMIT, child.wait_with_output()).await;
    let output = ended
        .map_err(|_| failed(format!("it took longer than {} s", COMPILE_LIMIT.as_secs())))?
        .map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.trim().trim_start_matches("error: ");
    Err(failed(if said.is_empty() { output.status.to_string() } else { said.to_owned() }))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, CodeError> + Send + 'static,
) -> Result<T, CodeError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(CodeError::Engine(error.to_string())))
}

/// The digest of a file, as hexadecimal text.
fn digest_of(path: &Path) -> Result<String, CodeError> {
    let read = |source| CodeError::Read { path: path.to_owned(), source };
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(std::fs::File::open(path).map_err(read)?).map_err(read)?;
    Ok(hasher.finalize().to_hex().to_string())
}

/// What code must agree with: the version and the settings of the engine.
fn compatibility(engine: &wasmtime::Engine) -> u64 {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.finish()
}

/// Nobody else may write what is run.
fn make_private(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}
