//! How much room a file system has, asked before anything is written to it.
//! Owns the question and how sizes are worded; never frees anything and never decides what is written.

use std::path::Path;

/// Room asked for beyond what is to be written: directories, journals, what others write meanwhile.
pub const MARGIN: u64 = 1 << 20;

/// Bytes that may still be written to the file system `place` lies on; `None` where the system does not tell. A file
/// that is not there yet is asked for by its nearest directory that is. Source:
/// <https://man7.org/linux/man-pages/man3/statvfs.3.html> (`f_bavail`: what is left to users without privileges).
#[cfg(unix)]
pub fn free(place: &Path) -> Option<u64> {
    let whole = std::path::absolute(place).ok()?;
    let there = whole.ancestors().find(|d| d.exists())?;
    let v = rustix::fs::statvfs(there).ok()?;
    v.f_bavail.checked_mul(v.f_frsize)
}

/// Elsewhere it is not known.
#[cfg(not(unix))]
pub fn free(_place: &Path) -> Option<u64> {
    None
}

/// Whether two places lie on one file system, so that what is written to one is missing in the other. Unknown: yes.
#[cfg(unix)]
pub fn same_file_system(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let device = |place: &Path| {
        let whole = std::path::absolute(place).ok()?;
        whole.ancestors().find_map(|d| std::fs::metadata(d).ok()).map(|m| m.dev())
    };
    device(one) == device(other)
}

/// Elsewhere it is not known.
#[cfg(not(unix))]
pub fn same_file_system(_one: &Path, _other: &Path) -> bool {
    true
}

/// Bytes as a person reads them, and never less than they are: `12.4 MiB`.
pub fn words(bytes: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match UNITS.into_iter().find(|(size, _)| bytes >= *size) {
        None => format!("{bytes} bytes"),
        Some((size, unit)) => {
            let tenths = u128::from(bytes).saturating_mul(10).div_ceil(u128::from(size));
            format!("{}.{} {unit}", tenths / 10, tenths % 10)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_worded_upwards() {
        let cases = [(0, "0 bytes"), (1023, "1023 bytes"), (1024, "1.0 KiB"), (1025, "1.1 KiB"), (1 << 20, "1.0 MiB")];
        for (bytes, text) in cases {
            assert_eq!(words(bytes), text);
        }
        assert_eq!(words(u64::MAX), "16777216.0 TiB");
    }

    #[test]
    fn a_place_that_is_not_there_yet_has_the_room_of_its_directory() {
        let there = free(Path::new("/tmp")).unwrap();
        let not_yet = free(Path::new("/tmp/l2p-no-such/a/b")).unwrap();
        assert!(there > 0 && there.abs_diff(not_yet) < there / 2 + 1, "{there} {not_yet}");
        assert!(same_file_system(Path::new("/tmp"), Path::new("/tmp/l2p-no-such/x")));
        assert!(!same_file_system(Path::new("/tmp"), Path::new("/proc")));
    }
}
