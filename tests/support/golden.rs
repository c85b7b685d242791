//! Golden files: what a reviewer reads, compared with what the code says today.

use std::path::Path;

/// Compares `actual` with `tests/golden/<name>`; `UPDATE_GOLDEN=1` writes it instead, for the diff to be read.
#[expect(clippy::disallowed_methods, reason = "a test's switch")]
pub fn assert_golden(name: &str, actual: &str) {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/golden")).join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some()
        && let Err(error) = std::fs::write(&path, actual)
    {
        panic!("{}: {error}", path.display());
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(golden == actual, "{} differs; UPDATE_GOLDEN=1 rewrites it.\n\n{actual}", path.display());
}
