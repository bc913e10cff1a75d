//! A disk that says a write went well and writes something else: the writer reads back what counts.

use std::io;
use std::os::fd::BorrowedFd;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{ID, sim, small_log};
use crate::error::{ErrorKind, Result};
use crate::io::sim::SimDisk;
use crate::io::{CommitRing, DirectoryLock, Disk, Entry, File, Map, Open};
use crate::segment::{Compression, SegmentWriter};

/// Hands everything on, but flips a bit of byte number `byte` of what is written to files.
#[derive(Debug)]
struct Liar {
    disk: Arc<SimDisk>,
    byte: Arc<AtomicU64>,
}

#[derive(Debug)]
struct LyingFile {
    file: Arc<dyn File>,
    byte: Arc<AtomicU64>,
}

impl Disk for Liar {
    fn open(&self, path: &Path, how: Open) -> io::Result<Arc<dyn File>> {
        let file = self.disk.open(path, how)?;
        Ok(Arc::new(LyingFile { file, byte: Arc::clone(&self.byte) }))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<Entry>> {
        self.disk.list(dir)
    }

    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        self.disk.create_dir(dir)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.disk.remove(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.disk.sync_dir(dir)
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn DirectoryLock>> {
        self.disk.lock(path)
    }

    fn free_bytes(&self) -> io::Result<u64> {
        self.disk.free_bytes()
    }

    fn commit_ring(&self, depth: u32) -> io::Result<Box<dyn CommitRing>> {
        self.disk.commit_ring(depth)
    }
}

impl File for LyingFile {
    fn bytes(&self) -> io::Result<u64> {
        self.file.bytes()
    }

    fn set_bytes(&self, bytes: u64) -> io::Result<()> {
        self.file.set_bytes(bytes)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(buffer, offset)
    }

    fn write_at(&self, buffer: &[u8], offset: u64) -> io::Result<usize> {
        let mut bytes = buffer.to_vec();
        let at = self.byte.load(Ordering::SeqCst).checked_sub(offset);
        if let Some(byte) = at.and_then(|at| bytes.get_mut(usize::try_from(at).ok()?)) {
            *byte ^= 1;
        }
        self.file.write_at(&bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync()
    }

    fn drop_cache(&self) -> io::Result<()> {
        self.file.drop_cache()
    }

    fn map(&self) -> io::Result<Map> {
        self.file.map()
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.file.descriptor()
    }
}

fn write(byte: u64) -> Result<u64> {
    let disk: Arc<dyn Disk> = Arc::new(Liar { disk: sim(), byte: Arc::new(byte.into()) });
    let mut writer = SegmentWriter::create(disk, ID, Compression::Zstd, 300)?;
    for frame in small_log() {
        writer.push(&frame)?;
    }
    Ok(writer.finish()?.bytes)
}

#[test]
fn no_byte_of_a_segment_is_written_wrong_unnoticed() {
    let bytes = write(u64::MAX).unwrap();
    for byte in 0..bytes {
        let error = write(byte).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "byte {byte} of {bytes}: {error}");
    }
    assert_eq!(write(bytes).unwrap(), bytes, "behind the end nothing is written");
}
