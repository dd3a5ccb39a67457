//! Zip archives by strangers. What a header says is a claim: sizes are counted while writing.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use zip::ZipArchive;
use zip::result::ZipError;

use super::intake::{ARCHIVE_LIMIT, Destination, ENTRIES_LIMIT, Intake, IntakeError, Mode, OnDisk};
use super::paths::PackagePath;

/// Each entry of the directory of an archive begins so.
const ENTRY_SIGNATURE: [u8; 4] = *b"PK\x01\x02";
/// The bits of a Unix mode that say what kind of thing it is, and its values.
const KIND_BITS: u32 = 0o170_000;
const KIND_FILE: u32 = 0o100_000;
const KIND_FOLDER: u32 = 0o040_000;
const KIND_LINK: u32 = 0o120_000;
/// What one system puts into each archive for itself.
const NOT_CONTENT: [&str; 2] = ["__MACOSX", ".DS_Store"];

/// Unpacks an archive into a folder that is there and empty.
pub(super) fn unpack(archive: &Path, into: &Path) -> Result<(), IntakeError> {
    let read = |source| IntakeError::Read { path: "the archive".to_owned(), source };
    let file = File::open(archive).map_err(read)?;
    unpack_to(BufReader::new(file), OnDisk(into.to_owned()))
}

/// An entry of the directory, looked at before anything is unpacked.
struct Entry {
    index: usize,
    path: PackagePath,
    kind: EntryKind,
}

#[derive(Clone, Copy)]
enum EntryKind {
    Folder,
    File(Mode),
}

pub(super) fn unpack_to<R: Read + Seek, D: Destination>(
    mut archive: R,
    destination: D,
) -> Result<(), IntakeError> {
    check_size(&mut archive)?;
    let mut archive = ZipArchive::new(archive).map_err(|error| broken(&error))?;
    if archive.has_duplicate_names() {
        return Err(IntakeError::Repeated);
    }
    if archive.has_overlapping_files().map_err(|error| broken(&error))? {
        return Err(IntakeError::Overlap);
    }
    let mut entries = Vec::with_capacity(archive.len());
    for index in 0..archive.len() {
        entries.extend(entry(&archive, index)?);
    }
    let entries = without_top_folder(entries)?;
    let mut intake = Intake::new(destination);
    for Entry { index, path, kind } in entries {
        match kind {
            EntryKind::Folder => intake.folder(&path)?,
            EntryKind::File(mode) => {
                let mut file = archive.by_index(index).map_err(|error| broken(&error))?;
                let packed = file.compressed_size();
                intake.file(&path, mode, Some(packed), &mut file)?;
            }
        }
    }
    Ok(())
}

/// Bounds the memory that reading the directory takes, before it is read: its own count of entries
/// may be anything.
fn check_size<R: Read + Seek>(archive: &mut R) -> Result<(), IntakeError> {
    let read = |source| IntakeError::Read { path: "the archive".to_owned(), source };
    if archive.seek(SeekFrom::End(0)).map_err(read)? > ARCHIVE_LIMIT {
        return Err(IntakeError::ArchiveTooLarge);
    }
    archive.rewind().map_err(read)?;
    let (mut entries, mut matched) = (0, 0);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = archive.read(&mut buffer).map_err(read)?;
        if length == 0 {
            archive.rewind().map_err(read)?;
            return Ok(());
        }
        for byte in buffer.get(..length).unwrap_or_default() {
            // No part of the signature but its first byte is a `P`, so nothing is missed.
            matched = match ENTRY_SIGNATURE.get(matched) {
                Some(expected) if expected == byte => matched + 1,
                _ => usize::from(ENTRY_SIGNATURE.first() == Some(byte)),
            };
            if matched == ENTRY_SIGNATURE.len() {
                (entries, matched) = (entries + 1, 0);
            }
        }
        if entries > ENTRIES_LIMIT {
            return Err(IntakeError::TooMany);
        }
    }
}

/// Looks at an entry; `None` when it is not content.
fn entry<R: Read + Seek>(
    archive: &ZipArchive<R>,
    index: usize,
) -> Result<Option<Entry>, IntakeError> {
    let data = archive.by_index_data(index).map_err(|error| broken(&error))?;
    let written = data.name().map_err(|error| broken(&error))?;
    let name = written.strip_suffix('/').unwrap_or(&written);
    let path = PackagePath::parse(name)
        .map_err(|problem| IntakeError::Path { path: written.to_string(), problem })?;
    let named = || path.to_string();
    if path.as_str().split('/').any(|part| NOT_CONTENT.contains(&part)) {
        return Ok(None);
    }
    if data.encrypted() {
        return Err(IntakeError::Encrypted { path: named() });
    }
    // Whatever system it says it is from: no other one sets these bits.
    let mode = data.external_attributes() >> 16;
    let is_folder = written.ends_with('/');
    let kind = match (mode & KIND_BITS, is_folder) {
        (KIND_LINK, _) => return Err(IntakeError::Link { path: named() }),
        (0 | KIND_FOLDER, true) => EntryKind::Folder,
        (0 | KIND_FILE, false) => EntryKind::File(Mode::of(mode)),
        _ => return Err(IntakeError::Special { path: named() }),
    };
    Ok(Some(Entry { index, path, kind }))
}

/// Archives of repositories hold one folder that holds everything; it is left out.
fn without_top_folder(entries: Vec<Entry>) -> Result<Vec<Entry>, IntakeError> {
    let Some(top) = entries.first().map(|entry| entry.path.split_first().0.to_owned()) else {
        return Ok(entries);
    };
    let below = |entry: &Entry| match (entry.path.split_first(), entry.kind) {
        ((first, Some(_)), _) | ((first, None), EntryKind::Folder) => first == top,
        ((_, None), EntryKind::File(_)) => false,
    };
    if !entries.iter().all(below) {
        return Ok(entries);
    }
    let stripped = |entry: Entry| {
        let rest = entry.path.split_first().1?;
        let parsed = PackagePath::parse(rest)
            .map_err(|problem| IntakeError::Path { path: entry.path.to_string(), problem });
        Some(parsed.map(|path| Entry { path, ..entry }))
    };
    entries.into_iter().filter_map(stripped).collect()
}

fn broken(error: &ZipError) -> IntakeError {
    IntakeError::Archive(error.to_string())
}
