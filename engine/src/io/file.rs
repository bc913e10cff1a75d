//! A real file.

use std::fs::File as StdFile;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileExt;

use rustix::fs::Advice;

use super::File;
use super::map::Map;

/// An open file of the operating system.
#[derive(Debug)]
pub(super) struct RealFile(StdFile);

impl RealFile {
    pub(super) fn new(file: StdFile) -> RealFile {
        RealFile(file)
    }
}

impl File for RealFile {
    fn bytes(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn set_bytes(&self, bytes: u64) -> io::Result<()> {
        self.0.set_len(bytes)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(&self.0, buffer, offset)
    }

    fn write_at(&self, buffer: &[u8], offset: u64) -> io::Result<usize> {
        FileExt::write_at(&self.0, buffer, offset)
    }

    fn sync(&self) -> io::Result<()> {
        // `sync_data` would call again when interrupted, and a second flush proves nothing.
        Ok(rustix::fs::fdatasync(&self.0)?)
    }

    fn drop_cache(&self) -> io::Result<()> {
        Ok(rustix::fs::fadvise(&self.0, 0, None, Advice::DontNeed)?)
    }

    fn map(&self) -> io::Result<Map> {
        Map::of_file(&self.0)
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        Some(self.0.as_fd())
    }
}
