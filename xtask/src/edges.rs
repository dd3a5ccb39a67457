//! Test: packages depend on each other, and on the libraries that have one home, only as
//! `ARCHITECTURE.md` says.

use std::{collections::BTreeSet, fs};

use cargo_metadata::{Metadata, MetadataCommand};

use crate::workspace::Workspace;

/// Package, and the packages of ours it may name.
const EDGES: [(&str, &[&str]); 6] = [
    ("firstlight-core", &[]),
    ("firstlight-plugins-api", &[]),
    ("xtask", &[]),
    ("firstlight-runtime", &["firstlight-core", "firstlight-plugins-api"]),
    ("firstlight-gateway", &["firstlight-core", "firstlight-runtime"]),
    (
        "firstlight-tests",
        &["firstlight-core", "firstlight-gateway", "firstlight-plugins-api", "firstlight-runtime"],
    ),
];

/// Start of a library's name, and the packages that may name it; `deny.toml` says the same of
/// indirect use.
const HOMES: [(&str, &[&str]); 5] = [
    ("actix-", &["firstlight-gateway", "firstlight-tests"]),
    ("sqlx", &["firstlight-core", "firstlight-tests"]),
    ("rusqlite", &["firstlight-core"]),
    ("reqwest", &["firstlight-runtime", "firstlight-gateway", "firstlight-tests"]),
    ("tokio", &["firstlight-core", "firstlight-runtime", "firstlight-gateway", "firstlight-tests"]),
];

fn metadata() -> Metadata {
    let root = Workspace::locate().unwrap().root;
    MetadataCommand::new().manifest_path(root.join("Cargo.toml")).no_deps().exec().unwrap()
}

#[test]
fn packages_depend_on_each_other_only_along_the_allowed_edges() {
    let metadata = metadata();
    let ours: BTreeSet<&str> = metadata.packages.iter().map(|each| each.name.as_str()).collect();
    let listed: BTreeSet<&str> = EDGES.iter().map(|(name, _)| *name).collect();
    assert_eq!(ours, listed, "the table of edges must list every package");
    for package in &metadata.packages {
        let (_, allowed) = EDGES.iter().find(|(name, _)| *name == package.name.as_str()).unwrap();
        for dependency in &package.dependencies {
            let name = dependency.name.as_str();
            assert!(
                !ours.contains(name) || allowed.contains(&name),
                "{} must not depend on {name}",
                package.name
            );
        }
    }
}

#[test]
fn libraries_with_one_home_are_named_only_there() {
    for package in &metadata().packages {
        for dependency in &package.dependencies {
            for (prefix, homes) in HOMES {
                assert!(
                    !dependency.name.starts_with(prefix) || homes.contains(&package.name.as_str()),
                    "{} must not depend on {}: only {homes:?} may",
                    package.name,
                    dependency.name
                );
            }
        }
    }
}

#[test]
fn every_manifest_takes_lints_and_versions_from_the_workspace() {
    for package in &metadata().packages {
        let text = fs::read_to_string(&package.manifest_path).unwrap();
        let manifest: toml::Table = text.parse().unwrap();
        let inherits = |value: &toml::Value| value.get("workspace") == Some(&true.into());
        assert!(inherits(&manifest["lints"]), "{}: `[lints] workspace = true`", package.name);
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let Some(table) = manifest.get(section).and_then(toml::Value::as_table) else {
                continue;
            };
            for (name, value) in table {
                assert!(inherits(value), "{}: {name} must say `workspace = true`", package.name);
            }
        }
    }
}
