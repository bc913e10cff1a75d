//! redb's storage over the disk seam, and which operation of it failed.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use redb::StorageBackend;

use crate::io::File;
use crate::planted::{Bug, is_planted};

/// Bytes of zeros written at a time when the file grows.
const ZEROS_BYTES: usize = 1024 * 1024;

/// redb's page.
const CATALOG_PAGE_BYTES: u64 = 4096;

/// The worst thing that has happened to a file's storage, in rising order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    /// A write found no space. What was flushed before is intact.
    NoSpace,
    /// A read failed.
    Read,
    /// A write failed for another reason, or a flush failed: nothing after it can be trusted.
    Write,
}

/// Remembers the worst fault. Shared by the backend, which redb owns, and the store.
#[derive(Clone, Debug, Default)]
pub(super) struct FaultMemory(Arc<Mutex<Option<Fault>>>);

impl FaultMemory {
    /// The worst fault so far.
    pub(super) fn worst(&self) -> Option<Fault> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note<T>(&self, fault: Fault, result: io::Result<T>) -> io::Result<T> {
        if result.is_err() {
            let mut worst = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            *worst = (*worst).max(Some(fault));
        }
        result
    }
}

/// The catalog's file, as redb wants its storage.
#[derive(Debug)]
pub(super) struct CatalogFile {
    file: Arc<dyn File>,
    faults: FaultMemory,
}

impl CatalogFile {
    pub(super) fn new(file: Arc<dyn File>, faults: FaultMemory) -> CatalogFile {
        CatalogFile { file, faults }
    }

    /// INVARIANT: after a failed write or flush nothing is written nor flushed through this handle,
    /// whatever redb tries while it closes: a second flush would lie.
    fn refuse_after_fault(&self) -> io::Result<()> {
        match self.faults.worst() {
            Some(Fault::Write) => Err(io::Error::other("an earlier write or flush failed")),
            _ => Ok(()),
        }
    }

    fn note_write<T>(&self, result: io::Result<T>) -> io::Result<T> {
        let fault = match &result {
            Err(error) if is_no_space(error) => Fault::NoSpace,
            _ => Fault::Write,
        };
        self.faults.note(fault, result)
    }

    /// Makes the file longer by writing zeros: a later write inside the file must not find the
    /// disk full, and a length that is merely set takes no room.
    fn grow(&self, from: u64, to: u64) -> io::Result<()> {
        let result = write_zeros(&self.file, from, to);
        if result.is_err() {
            // Give back what was taken. When this fails too the file is merely too long.
            let _ = self.file.set_bytes(from);
        }
        result
    }
}

impl StorageBackend for CatalogFile {
    fn len(&self) -> io::Result<u64> {
        self.faults.note(Fault::Read, self.file.bytes())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.faults.note(Fault::Read, self.file.read_exact_at(out, offset))
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.refuse_after_fault()?;
        let now = self.len()?;
        self.note_write(if bytes > now {
            self.grow(now, bytes)
        } else {
            self.file.set_bytes(bytes)
        })
    }

    fn sync_data(&self) -> io::Result<()> {
        self.refuse_after_fault()?;
        if is_planted(Bug::SkipCatalogSync) {
            return Ok(());
        }
        self.faults.note(Fault::Write, self.file.sync())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.refuse_after_fault()?;
        self.note_write(self.file.write_all_at(data, offset))
    }
}

/// A catalog file's bytes in memory: for reads after a fault, when the file itself must be left
/// alone. Changes stay in memory; redb makes some when it repairs.
#[derive(Debug)]
pub(super) struct MemoryFile(Mutex<Vec<u8>>);

impl MemoryFile {
    /// A copy of what the device holds, not of what the page cache believes.
    pub(super) fn copy_of(file: &Arc<dyn File>) -> io::Result<MemoryFile> {
        file.drop_cache()?;
        let bytes = usize::try_from(whole_pages(file.bytes()?)).map_err(io::Error::other)?;
        let mut copy = vec![0; bytes];
        file.read_exact_at(&mut copy, 0)?;
        Ok(MemoryFile(Mutex::new(copy)))
    }

    fn with<T>(&self, end: Option<u64>, f: impl FnOnce(&mut Vec<u8>) -> T) -> io::Result<T> {
        let mut bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if end.is_some_and(|end| end > bytes.len() as u64) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(f(&mut bytes))
    }
}

impl StorageBackend for MemoryFile {
    fn len(&self) -> io::Result<u64> {
        self.with(None, |bytes| bytes.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let at = usize::try_from(offset).map_err(io::Error::other)?;
        let end = offset.saturating_add(out.len() as u64);
        self.with(Some(end), |bytes| out.copy_from_slice(&bytes[at..at + out.len()]))
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        let length = usize::try_from(bytes).map_err(io::Error::other)?;
        self.with(None, |bytes| bytes.resize(length, 0))
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let at = usize::try_from(offset).map_err(io::Error::other)?;
        let end = offset.saturating_add(data.len() as u64);
        self.with(Some(end), |bytes| bytes[at..at + data.len()].copy_from_slice(data))
    }
}

/// The length of a file of `bytes` bytes without a page at its end that is not whole: the file only
/// grows by whole pages, and nothing is in them before it has grown.
///
/// CRASH: a write of zeros may have stopped anywhere, and redb opens no file with a piece of a page.
pub(super) const fn whole_pages(bytes: u64) -> u64 {
    bytes - bytes % CATALOG_PAGE_BYTES
}

/// Writes zeros over bytes `from..to`.
pub(super) fn write_zeros(file: &Arc<dyn File>, from: u64, to: u64) -> io::Result<()> {
    let zeros = vec![0; ZEROS_BYTES];
    let mut at = from;
    while at < to {
        let step = (to - at).min(ZEROS_BYTES as u64);
        let length = usize::try_from(step).expect("at most ZEROS_BYTES");
        file.write_all_at(&zeros[..length], at)?;
        at += step;
    }
    Ok(())
}

/// Whether `error` says that the disk is full.
pub(super) fn is_no_space(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
