//! The layers against real files.

use std::path::{Path, PathBuf};

use super::super::values::LogFormat;
use super::*;

struct Case {
    folder: tempfile::TempDir,
    environment: Vec<(OsString, OsString)>,
    overrides: Overrides,
}

fn case(file: &str) -> Case {
    let folder = tempfile::tempdir().unwrap();
    if !file.is_empty() {
        std::fs::write(folder.path().join(DEFAULT_FILE), file).unwrap();
    }
    Case { folder, environment: Vec::new(), overrides: Overrides::default() }
}

impl Case {
    fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join(DEFAULT_FILE)
    }

    fn load(&self) -> Result<Effective, SettingsError> {
        Effective::from_layers(&self.overrides, self.environment.clone(), &self.file())
    }

    fn error(&self) -> String {
        let text = self.load().unwrap_err().to_string();
        text.replace(&self.file().display().to_string(), "FILE")
    }
}

fn origin(effective: &Effective, key: &str) -> Origin {
    effective.view().into_iter().find(|row| row.key == key).unwrap().origin
}

#[test]
fn nothing_given_means_the_defaults() {
    let effective = case("").load().unwrap();
    assert_eq!(effective.settings, Settings::default());
    assert_eq!(effective.file, None);
    assert!(effective.view().iter().all(|row| row.origin == Origin::Default));
}

#[test]
fn later_layers_win_and_each_value_knows_its_layer() {
    let mut case = case("listen = \"127.0.0.1:1\"\ndatabase = \"a.db\"\n[log]\nformat = \"json\"")
        .variable("FIRSTLIGHT_LISTEN", "127.0.0.1:2")
        .variable("FIRSTLIGHT_SHUTDOWN_DRAIN", "3s")
        .variable("PATH", "/bin");
    case.overrides.listen = Some("127.0.0.1:3".into());
    let effective = case.load().unwrap();
    assert_eq!(effective.settings.listen.port(), 3);
    assert_eq!(effective.settings.database, Path::new("a.db"));
    assert_eq!(effective.settings.log.format, LogFormat::Json);
    assert_eq!(effective.settings.shutdown.drain.duration().as_secs(), 3);
    assert_eq!(origin(&effective, "listen"), Origin::Flag { flag: "--listen".into() });
    assert_eq!(
        origin(&effective, "shutdown.drain"),
        Origin::Env { variable: "FIRSTLIGHT_SHUTDOWN_DRAIN".into() }
    );
    assert_eq!(origin(&effective, "database"), Origin::File { path: case.file() });
    assert_eq!(origin(&effective, "data_dir"), Origin::Default);
}

#[test]
fn variables_are_read_as_the_kind_their_setting_has() {
    let effective = case("")
        .variable("FIRSTLIGHT_BOOTSTRAP_AUTO_RETRY", "yes")
        .variable("FIRSTLIGHT_BUS_MAX_PENDING", "7")
        .variable("FIRSTLIGHT_CORS_ORIGINS", "https://a.example, https://b.example")
        .variable("FIRSTLIGHT_METRICS_LISTEN", "127.0.0.1:9100")
        .load()
        .unwrap();
    assert!(effective.settings.bootstrap.auto_retry);
    assert_eq!(effective.settings.bus.max_pending, 7);
    assert_eq!(effective.settings.cors_origins, ["https://a.example", "https://b.example"]);
    assert_eq!(effective.settings.metrics.listen.unwrap().port(), 9100);
}

#[test]
fn an_unknown_key_names_the_nearest_one() {
    let check = |file: &str, expected: &str| assert_eq!(case(file).error(), expected);
    check("listne = \"x\"", "FILE: unknown setting `listne`; did you mean `listen`?");
    check("[log]\nlevle = 1", "FILE: unknown setting `log.levle`; did you mean `log.level`?");
    check("[lgo]\nlevel = 1", "FILE: unknown setting `lgo`; did you mean `log`?");
    check("zzz = 1", "FILE: unknown setting `zzz`");
}

#[test]
fn a_wrong_value_names_its_place() {
    let error = case("[shutdown]\ndrain = \"soon\"").error();
    assert_eq!(
        error,
        "FILE: `shutdown.drain` is wrong: expected a length of time such as 90s, 5m or 1h 30m"
    );
    let error = case("").variable("FIRSTLIGHT_LISTEN", "here").error();
    assert_eq!(
        error,
        "environment variable FIRSTLIGHT_LISTEN: `listen` is wrong: invalid socket address syntax"
    );
    let error = case("").variable("FIRSTLIGHT_BUS_MAX_PENDING", "many").error();
    assert!(
        error.ends_with("`bus.max_pending` is wrong: \"many\" is not a whole number"),
        "{error}"
    );
    let error = case("log = 3").error();
    assert_eq!(error, "FILE: `log` is wrong: a table was expected here");
    let mut case = case("");
    case.overrides.log_format = Some("xml".into());
    assert!(
        case.error().starts_with("flag --log-format: `log.format` is wrong"),
        "{}",
        case.error()
    );
}

#[test]
fn broken_toml_names_file_and_line() {
    let error = case("listen = \"127.0.0.1:1\"\n[log\n").error();
    assert!(error.starts_with("FILE is not valid TOML") && error.contains("line 2"), "{error}");
}

#[test]
fn a_file_that_was_asked_for_must_exist() {
    let mut case = case("");
    case.overrides.config = Some(PathBuf::from("nowhere/at-all.toml"));
    assert_eq!(case.error(), "cannot read the settings file nowhere/at-all.toml");
}

#[test]
fn a_misspelt_variable_is_reported() {
    let effective = case("").variable("FIRSTLIGHT_LISTNE", "x").load().unwrap();
    assert_eq!(effective.unused_variables, ["FIRSTLIGHT_LISTNE"]);
}

#[test]
fn faults_are_reported_as_unused_by_a_build_that_has_none() {
    let effective = case("").variable("FIRSTLIGHT_FAULTS", "faults.json").load().unwrap();
    assert_eq!(effective.unused_variables.is_empty(), cfg!(feature = "faults"));
}

#[test]
fn a_password_in_an_address_is_not_shown() {
    let case = case("").variable("FIRSTLIGHT_MODEL_METADATA_URL", "https://me:hush@host/x");
    let effective = case.load().unwrap();
    assert!(effective.settings.model_metadata.url.as_deref().unwrap().contains("hush"));
    let shown = serde_json::to_string(&effective.view()).unwrap();
    assert!(!shown.contains("hush") && shown.contains(MASK), "{shown}");
}
