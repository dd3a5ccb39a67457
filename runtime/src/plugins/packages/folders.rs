//! What the folders of installed packages are called.

/// How much of a digest is in the name of a folder, and how much that is drawn by lot: the same
/// package may be installed over itself. In hex.
const DIGEST_PART: usize = 16;
const LOT_PART: usize = 4;

/// A new name for the folder of a package.
pub(super) fn package_folder(name: &str, digest: &str) -> String {
    let digest = digest.get(..DIGEST_PART).unwrap_or(digest);
    format!("{name}-{digest}-{:04x}", rand::random::<u16>())
}

/// Whether a folder has the form of those that packages are in. Others are nobody's to remove.
pub(super) fn is_package_folder(name: &str) -> bool {
    let hex = |text: &str, length| {
        text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let mut parts = name.rsplitn(3, '-');
    let (lot, digest, plugin) = (parts.next(), parts.next(), parts.next());
    let plain = |name: &str| {
        let mut bytes = name.bytes();
        bytes.next().is_some_and(|b| b.is_ascii_lowercase())
            && bytes.all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
    };
    lot.is_some_and(|lot| hex(lot, LOT_PART))
        && digest.is_some_and(|digest| hex(digest, DIGEST_PART))
        && plugin.is_some_and(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_a_package_is_known_by_its_name() {
        let digest = "0123456789abcdef".repeat(4);
        for plugin in ["dice", "a", "keyword-guard_2"] {
            let folder = package_folder(plugin, &digest);
            assert!(is_package_folder(&folder), "{folder}");
            assert!(folder.starts_with(&format!("{plugin}-0123456789abcdef-")), "{folder}");
        }
        for other in [
            "dice",
            "dice-0123",
            "../dice-0123456789abcdef-0000",
            "a/b-0123456789abcdef-0000",
            "-0123456789abcdef-0000",
            "dice-0123456789ABCDEF-0000",
            "dice-0123456789abcdef-00000",
            ".market",
        ] {
            assert!(!is_package_folder(other), "{other}");
        }
    }
}
