//! Write and fdatasync of a round's bytes, into one growing or one recycled file.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Bytes of the recycled file; rounds begin anew when they do not fit behind the last.
const RECYCLED_BYTES: u64 = 64 << 20;

/// A bare loop's file.
pub(crate) struct Bare {
    file: File,
    at: u64,
    is_recycled: bool,
}

impl Bare {
    /// A file that grows with every round.
    pub(crate) fn growing(directory: &Path) -> io::Result<Bare> {
        Ok(Bare { file: create(&directory.join("growing"))?, at: 0, is_recycled: false })
    }

    /// A file that was written in full before.
    pub(crate) fn recycled(directory: &Path) -> io::Result<Bare> {
        let mut file = create(&directory.join("recycled"))?;
        let zeros = vec![0; 1 << 20];
        for _ in 0..RECYCLED_BYTES >> 20 {
            file.write_all(&zeros)?;
        }
        file.sync_all()?;
        Ok(Bare { file, at: 0, is_recycled: true })
    }

    /// One round.
    pub(crate) fn round(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.is_recycled && self.at + bytes.len() as u64 > RECYCLED_BYTES {
            self.at = 0;
        }
        self.file.write_all_at(bytes, self.at)?;
        self.at += bytes.len() as u64;
        self.file.sync_data()
    }
}

fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create_new(true).open(path)
}
