//! Archives as honest authors make them, and as others do.

use std::fs;
use std::io::{Cursor, Write as _};
use std::path::Path;

use proptest::prelude::*;
use tempfile::TempDir;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::fuzzed;
use super::intake::{ENTRIES_LIMIT, IntakeError};
use super::paths::PathProblem;
use super::unpacking::unpack;

/// Where the directory of an archive has what is changed here, from the beginning of an entry.
const FLAGS: usize = 8;
const SIZE: usize = 24;
const ATTRIBUTES: usize = 38;
const OFFSET: usize = 42;

/// An archive of these files; a name that ends in `/` is a folder.
pub(super) fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        let options = SimpleFileOptions::default();
        if name.ends_with('/') {
            zip.add_directory(*name, options).unwrap();
        } else {
            zip.start_file(*name, options).unwrap();
            zip.write_all(content).unwrap();
        }
    }
    zip.finish().unwrap().into_inner()
}

fn unpacked(bytes: &[u8]) -> Result<TempDir, IntakeError> {
    let folder = tempfile::tempdir().unwrap();
    let (file, into) = (folder.path().join("a.zip"), folder.path().join("content"));
    fs::write(&file, bytes).unwrap();
    fs::create_dir(&into).unwrap();
    unpack(&file, &into).map(|()| folder)
}

fn refused(bytes: &[u8]) -> IntakeError {
    match unpacked(bytes) {
        Ok(_) => panic!("it was unpacked"),
        Err(error) => error,
    }
}

/// Writes another name of the same length wherever this one is.
fn renamed(mut bytes: Vec<u8>, from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    for at in 0..=bytes.len() - from.len() {
        if &bytes[at..at + from.len()] == from.as_bytes() {
            bytes[at..at + from.len()].copy_from_slice(to.as_bytes());
        }
    }
    bytes
}

/// Where the entries of the directory begin.
fn entries(bytes: &[u8]) -> Vec<usize> {
    (0..bytes.len() - 4).filter(|at| &bytes[*at..at + 4] == b"PK\x01\x02").collect()
}

fn files_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn an_archive_is_unpacked_with_or_without_a_folder_around_it() {
    let plain =
        archive(&[("plugin.toml", b"x"), ("pages/map/index.html", b"map"), ("empty/", b"")]);
    let wrapped = archive(&[
        ("dice-main/", b""),
        ("dice-main/plugin.toml", b"x"),
        ("dice-main/pages/map/index.html", b"map"),
        ("dice-main/empty/", b""),
        ("__MACOSX/dice-main/._plugin.toml", b"?"),
        ("dice-main/.DS_Store", b"?"),
    ]);
    for bytes in [plain, wrapped] {
        let folder = unpacked(&bytes).unwrap();
        let content = folder.path().join("content");
        assert_eq!(files_in(&content), ["empty", "pages", "plugin.toml"]);
        assert_eq!(fs::read(content.join("pages/map/index.html")).unwrap(), b"map");
    }
    let only = unpacked(&archive(&[("plugin.toml", b"x")])).unwrap();
    assert_eq!(files_in(&only.path().join("content")), ["plugin.toml"]);
}

#[test]
fn a_name_that_leads_out_is_refused() {
    for (name, expected) in [
        ("../aaaaaaa", PathProblem::Dots),
        ("a/../../bb", PathProblem::Dots),
        ("/etc/passw", PathProblem::Absolute),
        ("C:/windows", PathProblem::Absolute),
        ("..\\..\\aaaa", PathProblem::Backslash),
        ("a\0aaaaaaaa", PathProblem::Control),
        ("a//aaaaaaa", PathProblem::Empty),
    ] {
        let bytes = archive(&[("plugin.toml", b"x"), (&"z".repeat(name.len()), b"x")]);
        let error = refused(&renamed(bytes, &"z".repeat(name.len()), name));
        assert!(
            matches!(&error, IntakeError::Path { problem, .. } if *problem == expected),
            "{name:?}: {error}"
        );
    }
    let long = archive(&[(&"a".repeat(201), b"x")]);
    assert!(matches!(refused(&long), IntakeError::Path { problem: PathProblem::LongPart, .. }));
}

#[test]
fn links_and_special_files_are_refused_whatever_system_they_say_they_are_from() {
    let bytes = archive(&[("plugin.toml", b"x"), ("secrets", b"/etc/passwd")]);
    let entry = entries(&bytes)[1];
    for system in [0, 3] {
        for (mode, link) in [(0o120_777_u32, true), (0o060_644, false), (0o010_644, false)] {
            let mut bytes = bytes.clone();
            bytes[entry + 5] = system;
            bytes[entry + ATTRIBUTES..entry + ATTRIBUTES + 4]
                .copy_from_slice(&(mode << 16).to_le_bytes());
            match refused(&bytes) {
                IntakeError::Link { path } => assert!(link && path == "secrets"),
                IntakeError::Special { path } => assert!(!link && path == "secrets"),
                other => panic!("{other}"),
            }
        }
    }
}

#[test]
fn a_name_that_is_there_twice_is_refused_in_any_case() {
    let bytes = archive(&[("plugin.toml", b"x"), ("one.txt", b"1"), ("two.txt", b"2")]);
    let error = refused(&renamed(bytes.clone(), "two.txt", "one.txt"));
    assert!(matches!(error, IntakeError::Repeated), "{error}");
    let error = refused(&renamed(bytes, "two.txt", "ONE.txt"));
    assert!(matches!(error, IntakeError::Twice { .. }), "{error}");
    for files in [
        [("a", b"1".as_slice()), ("A/b", b"2".as_slice())],
        [("a/b", b"1"), ("a", b"2")],
        [("a/b", b"1"), ("A/c", b"2")],
    ] {
        let files = [[("plugin.toml", b"x".as_slice())].as_slice(), &files].concat();
        let error = refused(&archive(&files));
        assert!(matches!(error, IntakeError::Twice { .. }), "{error}");
    }
}

#[test]
fn a_bomb_is_noticed_while_it_is_unpacked_whatever_its_header_says() {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("zeros", SimpleFileOptions::default()).unwrap();
    for _ in 0..64 {
        zip.write_all(&vec![0; 1 << 20]).unwrap();
    }
    let mut bytes = zip.finish().unwrap().into_inner();
    assert!(matches!(refused(&bytes), IntakeError::Bomb { path } if path == "zeros"));
    let entry = entries(&bytes)[0];
    bytes[entry + SIZE..entry + SIZE + 4].copy_from_slice(&10_u32.to_le_bytes());
    // The archive may be refused as damaged as well, but never unpacked.
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.zip"), &bytes).unwrap();
    fs::create_dir(folder.path().join("content")).unwrap();
    assert!(unpack(&folder.path().join("a.zip"), &folder.path().join("content")).is_err());
    let written = fs::metadata(folder.path().join("content/zeros")).map_or(0, |file| file.len());
    assert!(written < 16 << 20, "{written}");
}

#[test]
fn files_that_share_their_bytes_are_refused() {
    let mut bytes = archive(&[("plugin.toml", b"xxxxxxxx"), ("two.txt", b"yyyyyyyy")]);
    let [first, second] = entries(&bytes)[..] else { panic!("two entries") };
    bytes.copy_within(first + OFFSET..first + OFFSET + 4, second + OFFSET);
    assert!(matches!(refused(&bytes), IntakeError::Overlap | IntakeError::Archive(_)));
}

#[test]
fn what_is_encrypted_is_refused() {
    let mut bytes = archive(&[("plugin.toml", b"x")]);
    let entry = entries(&bytes)[0];
    bytes[entry + FLAGS] |= 1;
    assert!(matches!(refused(&bytes), IntakeError::Encrypted { path } if path == "plugin.toml"));
}

#[test]
fn too_many_entries_are_refused_before_they_are_read() {
    let names: Vec<String> = (0..=ENTRIES_LIMIT).map(|number| format!("f{number}")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
    assert!(matches!(refused(&archive(&files)), IntakeError::TooMany));
    assert!(unpacked(&archive(&files[..20])).is_ok());
}

#[test]
fn what_is_no_archive_or_a_damaged_one_is_refused() {
    assert!(matches!(refused(b""), IntakeError::Archive(_)));
    assert!(matches!(refused(b"not an archive"), IntakeError::Archive(_)));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("plugin.toml", stored).unwrap();
    zip.write_all(b"whatever it says").unwrap();
    let bytes = zip.finish().unwrap().into_inner();
    let error = refused(&renamed(bytes, "whatever", "WHATEVER"));
    assert!(matches!(error, IntakeError::Read { .. }), "{error}");
}

#[cfg(unix)]
#[test]
fn only_that_a_file_may_be_run_is_kept_of_its_permissions() {
    use std::os::unix::fs::PermissionsExt as _;

    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, mode) in [("run", 0o777), ("data", 0o666)] {
        zip.start_file(name, SimpleFileOptions::default().unix_permissions(mode)).unwrap();
    }
    let folder = unpacked(&zip.finish().unwrap().into_inner()).unwrap();
    let content = folder.path().join("content");
    let mode = |name| fs::metadata(content.join(name)).unwrap().permissions().mode();
    // What the process's mask takes away is its own affair.
    assert_eq!(mode("run") & 0o7122, 0o100);
    assert_eq!(mode("data") & 0o7133, 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_is_damaged_nothing_is_written_elsewhere(
        at in proptest::collection::vec((0_usize..400, any::<u8>()), 0..6),
    ) {
        let bytes = archive(&[("plugin.toml", b"x"), ("pages/a/index.html", b"text"), ("b/", b"")]);
        let mut bytes = bytes;
        for (at, byte) in at {
            let at = at % bytes.len();
            bytes[at] = byte;
        }
        let folder = tempfile::tempdir().unwrap();
        let (file, into) = (folder.path().join("a.zip"), folder.path().join("content"));
        fs::write(&file, &bytes).unwrap();
        fs::create_dir(&into).unwrap();
        let _either = unpack(&file, &into).is_ok();
        fuzzed::archive(&bytes);
        prop_assert_eq!(files_in(folder.path()), ["a.zip", "content"]);
    }
}
