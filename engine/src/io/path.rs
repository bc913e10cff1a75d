//! Paths inside a data directory: relative, and never out of it.

use std::io;
use std::path::{Component, Path};

/// Refuses a path that is absolute or climbs.
pub(super) fn check(path: &Path) -> io::Result<()> {
    if path.components().all(|part| matches!(part, Component::Normal(_))) {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "path leaves the data directory"))
}

/// Refuses what [`check`] refuses, and the empty path, which names the data directory itself.
pub(super) fn check_name(path: &Path) -> io::Result<()> {
    check(path)?;
    if path.as_os_str().is_empty() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "path is empty"));
    }
    Ok(())
}
