//! Attachments: the same bytes once, and no file without a row or row without a file.

use std::fs;
use std::path::Path;

use super::fresh::fresh;

fn files(folder: &Path) -> usize {
    let Ok(groups) = fs::read_dir(folder.join("attachments")) else { return 0 };
    groups.map(|group| fs::read_dir(group.unwrap().path()).unwrap().count()).sum()
}

#[tokio::test]
async fn the_same_bytes_are_stored_once_and_stay_until_the_last_name_goes() {
    let (folder, database) = fresh().await;
    let attachments = database.attachments();
    let (one, two) = tokio::join!(
        attachments.put(b"picture", "one.png", "image/png"),
        attachments.put(b"picture", "two.bin", "application/octet-stream"),
    );
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(one.path, two.path);
    assert_eq!((one.kind.as_str(), two.kind.as_str()), ("image", "file"));
    assert_eq!(fs::read(&one.path).unwrap(), b"picture");
    assert_eq!(files(folder.path()), 1);
    assert_eq!(attachments.by_id(&one.attachment_id).await.unwrap(), Some(one.clone()));
    let first = [one.attachment_id.clone()];
    assert_eq!(attachments.delete(&first).await.unwrap(), 1);
    assert_eq!(fs::read(&two.path).unwrap(), b"picture");
    assert_eq!(attachments.delete(&[two.attachment_id, one.attachment_id]).await.unwrap(), 1);
    assert_eq!(files(folder.path()), 0);
}

#[tokio::test]
async fn a_file_can_come_in_pieces_and_a_dropped_upload_leaves_nothing() {
    let (folder, database) = fresh().await;
    let attachments = database.attachments();
    let mut upload = attachments.begin().await.unwrap();
    for piece in [&b"a"[..], b"", b"bc"] {
        upload.write(piece).await.unwrap();
    }
    assert_eq!(upload.size(), 3);
    let stored = upload.finish("abc.wav", "audio/wav").await.unwrap();
    assert_eq!((stored.kind.as_str(), stored.size), ("record", 3));
    let whole = attachments.put(b"abc", "abc.wav", "audio/wav").await.unwrap();
    assert_eq!(whole.sha256, stored.sha256);
    let mut upload = attachments.begin().await.unwrap();
    upload.write(b"never finished").await.unwrap();
    drop(upload);
    assert_eq!(files(folder.path()), 1);
}

#[tokio::test]
async fn sweeping_removes_what_a_crash_left_and_keeps_what_has_a_row() {
    let (folder, database) = fresh().await;
    let attachments = database.attachments();
    attachments.clear_unfinished().await.unwrap();
    attachments.sweep().await.unwrap();
    let kept = attachments.put(b"kept", "kept", "text/plain").await.unwrap();
    let root = folder.path().join("attachments");
    fs::create_dir_all(root.join("ab")).unwrap();
    fs::write(root.join("ab").join("ab".repeat(32)), "renamed, its commit never came").unwrap();
    fs::write(root.join("incoming").join("half"), "half").unwrap();
    attachments.clear_unfinished().await.unwrap();
    attachments.sweep().await.unwrap();
    assert_eq!(files(folder.path()), 1);
    assert_eq!(fs::read(&kept.path).unwrap(), b"kept");
}

#[tokio::test]
async fn s6_a_name_leads_to_ones_own_file_and_an_id_to_nobody_elses() {
    let (_folder, database) = fresh().await;
    let attachments = database.attachments();
    let mut stored = Vec::new();
    for (reader, bytes) in [("ada", &b"hers"[..]), ("api_key:1", &b"its"[..])] {
        let mut upload = attachments.begin().await.unwrap().readable_by(reader);
        upload.write(bytes).await.unwrap();
        stored.push((reader, upload.finish("cat.png", "image/png").await.unwrap()));
    }
    for (reader, own) in &stored {
        let found = attachments.readable_by_name("cat.png", reader).await.unwrap();
        assert_eq!(found.as_ref(), Some(own));
        for (_, any) in &stored {
            let found = attachments.readable(&any.attachment_id, reader).await.unwrap();
            assert_eq!(found.is_some(), any == own);
        }
    }
    assert_eq!(attachments.readable_by_name("cat.png", "eve").await.unwrap(), None);
    let shared = &stored[1].1;
    let ids = [shared.attachment_id.clone(), "gone".to_owned()];
    attachments.grant(&ids, "ada").await.unwrap();
    attachments.grant(&ids, "ada").await.unwrap();
    let found = attachments.readable(&shared.attachment_id, "ada").await.unwrap();
    assert_eq!(found.as_ref(), Some(shared));
    attachments.delete(&ids).await.unwrap();
    assert_eq!(attachments.readable(&shared.attachment_id, "ada").await.unwrap(), None);
}

#[tokio::test]
async fn a_file_that_is_kept_for_a_time_goes_after_it_and_one_without_a_time_stays() {
    let (_folder, database) = fresh().await;
    let attachments = database.attachments();
    let store = async |bytes: &[u8], until: Option<i64>| {
        let mut upload = attachments.begin().await.unwrap();
        upload.write(bytes).await.unwrap();
        let upload = match until {
            Some(until) => upload.kept_until(until),
            None => upload,
        };
        upload.finish("picture", "image/png").await.unwrap()
    };
    let passing = store(b"passing", Some(1_000)).await;
    let later = store(b"later", Some(3_000)).await;
    let lasting = store(b"lasting", None).await;
    assert_eq!(attachments.purge_expired(2_000, 10).await.unwrap(), 1);
    assert_eq!(attachments.purge_expired(2_000, 10).await.unwrap(), 0);
    assert!(attachments.by_id(&passing.attachment_id).await.unwrap().is_none());
    assert!(!passing.path.exists());
    assert!(later.path.exists() && lasting.path.exists());
}
