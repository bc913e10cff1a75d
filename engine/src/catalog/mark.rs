//! The mark: a small file that says how many commits the catalog has at least.
//!
//! | offset | bytes | field |
//! |--------|-------|-------|
//! | 0      | 4     | magic `FSCM` |
//! | 4      | 4     | version |
//! | 8      | 8     | commits |
//! | 16     | 4     | CRC-32 of bytes 0..16 |
//!
//! redb keeps the commit before the last one, and goes back to it when a page of the last one does
//! not match its checksum: after a crash that is a commit which was torn, and was never answered.
//! It cannot know that the commit was durable, and rotted since. The mark does: it is written
//! after a commit is durable, so a catalog with fewer commits has lost some.
//!
//! PERF: the mark is not flushed with each commit, which would double what a commit costs; the
//! operating system writes it back, [`Mark::flush`] sees to it now and then. Until then a power
//! loss may leave an older mark, which says less and nothing wrong.

use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::catalog::database::CATALOG_FILE;
use crate::error::{Error, ErrorKind, Result};
use crate::io::{Disk, File, Open};
use crate::planted::{Bug, is_planted};

/// The file of the mark.
pub(super) const MARK_FILE: &str = "catalog.mark";

const MAGIC: [u8; 4] = *b"FSCM";
/// The newest version that this code reads and the one that it writes.
const VERSION: u32 = 1;
const MARK_BYTES: usize = 20;

/// The mark of an open catalog.
#[derive(Debug, Default)]
pub(super) struct Mark {
    /// `None` where it cannot be written: then nothing is known about later commits.
    file: Option<Arc<dyn File>>,
    is_dirty: bool,
}

/// How many commits the mark says there were; `None` when there is no good mark.
pub(super) fn read(disk: &dyn Disk) -> Result<Option<u64>> {
    let fault = |error| Error::io("read the catalog's mark", error).in_file(MARK_FILE, 0);
    let file = match disk.open(Path::new(MARK_FILE), Open::Read) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fault(error)),
    };
    file.drop_cache().map_err(fault)?;
    let mut bytes = [0; MARK_BYTES];
    match file.read_exact_at(&mut bytes, 0) {
        Ok(()) => decode(&bytes),
        // CRASH: it was being made.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(fault(error)),
    }
}

/// Refuses a catalog with `commits` commits if it had more once.
pub(super) fn check(disk: &dyn Disk, commits: u64) -> Result<()> {
    match read(disk)? {
        Some(marked) if commits < marked && !is_planted(Bug::TrustCatalog) => {
            let message = format!(
                "the catalog has lost commits has=`{commits}` had=`{marked}`: \
                 its newest pages are damaged, or it is an older copy"
            );
            Err(Error::new(ErrorKind::Corrupt, message).in_file(CATALOG_FILE, 0))
        }
        _ => Ok(()),
    }
}

impl Mark {
    /// Opens the mark of a catalog with `commits` commits, or makes it. Without one the catalog
    /// works all the same.
    pub(super) fn open(disk: &dyn Disk, commits: u64) -> Mark {
        let opened = open_file(disk).inspect_err(|error| {
            tracing::warn!(%error, "the catalog has no mark: lost commits would go unnoticed");
        });
        let mut mark = Mark { file: opened.ok(), is_dirty: false };
        // What is right already needs no write.
        if !matches!(read(disk), Ok(Some(marked)) if marked == commits) {
            mark.note(commits);
            mark.flush();
        }
        mark
    }

    /// Notes that `commits` commits are durable.
    pub(super) fn note(&mut self, commits: u64) {
        self.attempt(|file| file.write_all_at(&encode(commits), 0));
        self.is_dirty = true;
    }

    /// Makes durable what was noted.
    pub(super) fn flush(&mut self) {
        if std::mem::take(&mut self.is_dirty) {
            self.attempt(|file| file.sync());
        }
    }

    /// After a failure nothing is written any more: an older mark says nothing wrong.
    fn attempt(&mut self, act: impl FnOnce(&Arc<dyn File>) -> io::Result<()>) {
        if let Some(Err(error)) = self.file.as_ref().map(act) {
            tracing::warn!(%error, "the catalog's mark is not kept any more");
            self.file = None;
        }
    }
}

fn open_file(disk: &dyn Disk) -> io::Result<Arc<dyn File>> {
    let path = Path::new(MARK_FILE);
    match disk.open(path, Open::Write) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let file = disk.open(path, Open::Create)?;
            disk.sync_dir(Path::new(""))?;
            Ok(file)
        }
        opened => opened,
    }
}

fn encode(commits: u64) -> [u8; MARK_BYTES] {
    let mut out = [0; MARK_BYTES];
    out[..4].copy_from_slice(&MAGIC);
    out[4..8].copy_from_slice(&VERSION.to_le_bytes());
    out[8..16].copy_from_slice(&commits.to_le_bytes());
    let checksum = crc32fast::hash(&out[..16]);
    out[16..].copy_from_slice(&checksum.to_le_bytes());
    out
}

/// A mark that is damaged says nothing: what it was to guard is whole.
fn decode(bytes: &[u8; MARK_BYTES]) -> Result<Option<u64>> {
    let (said, checksum) = bytes.split_at(16);
    if said[..4] != MAGIC || crc32fast::hash(said).to_le_bytes() != *checksum {
        return Ok(None);
    }
    let version = u32::from_le_bytes([said[4], said[5], said[6], said[7]]);
    if version != VERSION {
        let message = format!(
            "catalog's mark has version {version}, this binary reads {VERSION}: \
             use the newer binary"
        );
        return Err(Error::new(ErrorKind::Invalid, message).in_file(MARK_FILE, 0));
    }
    Ok(said[8..].try_into().ok().map(u64::from_le_bytes))
}
