//! A file and an fdatasync per shard: what an engine without a shared journal pays.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

/// More files than this are not opened: the point is made by then.
pub(crate) const FILES_MAX: usize = 1_000;

/// One file for each shard.
pub(crate) struct FilePerShard(Vec<File>);

impl FilePerShard {
    /// Empty files for `shards` shards.
    pub(crate) fn create(directory: &Path, shards: usize) -> io::Result<FilePerShard> {
        assert!(shards <= FILES_MAX, "the caller checked the number of files");
        let files = (0..shards).map(|shard| {
            let path = directory.join(format!("shard-{shard}"));
            OpenOptions::new().append(true).create_new(true).open(path)
        });
        Ok(FilePerShard(files.collect::<io::Result<_>>()?))
    }

    /// One round: `bytes`, in equal parts.
    pub(crate) fn round(&mut self, bytes: &[u8]) -> io::Result<()> {
        let part = bytes.len().div_ceil(self.0.len());
        for (file, part) in self.0.iter_mut().zip(bytes.chunks(part)) {
            file.write_all(part)?;
            file.sync_data()?;
        }
        Ok(())
    }
}
