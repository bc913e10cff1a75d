//! A directory of this run under the build directory: on the disk that the build is on, not on a
//! `/tmp` that may be memory.

use std::io;
use std::path::Path;

use tempfile::TempDir;

/// A fresh directory that goes when it is dropped.
pub fn scratch() -> io::Result<TempDir> {
    let parent = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/benches-scratch");
    std::fs::create_dir_all(&parent)?;
    TempDir::new_in(parent)
}
