//! A disk that shows a directory and changes nothing in it.
//!
//! What the engine's own code writes while it looks (the catalog notes that it was checked) goes
//! into memory and is forgotten. So a tool reads with the same code, and comes to the same verdict,
//! as the server that will start here.

use std::io;
use std::os::fd::BorrowedFd;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use flowstone_engine::io::{
    Backend, CommitRing, DirectoryLock, Disk, Entry, File, Map, Open, RealDisk,
};

/// A directory, to read.
#[derive(Debug)]
pub struct ReadOnlyDisk(RealDisk);

impl ReadOnlyDisk {
    /// Shows `directory`, which must exist.
    pub fn open(directory: &Path) -> io::Result<ReadOnlyDisk> {
        if !directory.is_dir() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "there is no such directory"));
        }
        RealDisk::open(directory, Backend::Portable).map(ReadOnlyDisk)
    }
}

fn refused<T>() -> io::Result<T> {
    Err(io::Error::new(io::ErrorKind::ReadOnlyFilesystem, "opened to look only"))
}

#[derive(Debug)]
struct Unlocked;

impl DirectoryLock for Unlocked {}

impl Disk for ReadOnlyDisk {
    fn open(&self, path: &Path, how: Open) -> io::Result<Arc<dyn File>> {
        match how {
            Open::Read | Open::ReadDirect => Ok(Arc::new(ReadOnlyFile(self.0.open(path, how)?))),
            Open::Write => Ok(Arc::new(MemoryFile::copy_of(&*self.0.open(path, Open::Read)?)?)),
            Open::Create | Open::WriteDirect => refused(),
        }
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<Entry>> {
        self.0.list(dir)
    }

    fn create_dir(&self, _: &Path) -> io::Result<()> {
        refused()
    }

    fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
        refused()
    }

    fn remove(&self, _: &Path) -> io::Result<()> {
        refused()
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn lock(&self, _: &Path) -> io::Result<Box<dyn DirectoryLock>> {
        Ok(Box::new(Unlocked))
    }

    fn free_bytes(&self) -> io::Result<u64> {
        Ok(0)
    }

    fn commit_ring(&self, _: u32) -> io::Result<Box<dyn CommitRing>> {
        refused()
    }
}

#[derive(Debug)]
struct ReadOnlyFile(Arc<dyn File>);

impl File for ReadOnlyFile {
    fn bytes(&self) -> io::Result<u64> {
        self.0.bytes()
    }

    fn set_bytes(&self, _: u64) -> io::Result<()> {
        refused()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(buffer, offset)
    }

    fn write_at(&self, _: &[u8], _: u64) -> io::Result<usize> {
        refused()
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    fn drop_cache(&self) -> io::Result<()> {
        self.0.drop_cache()
    }

    fn map(&self) -> io::Result<Map> {
        self.0.map()
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

/// A file's bytes in memory, to change and forget.
#[derive(Debug)]
struct MemoryFile(Mutex<Vec<u8>>);

impl MemoryFile {
    fn copy_of(file: &dyn File) -> io::Result<MemoryFile> {
        let mut bytes = vec![0; usize::try_from(file.bytes()?).map_err(io::Error::other)?];
        file.read_exact_at(&mut bytes, 0)?;
        Ok(MemoryFile(Mutex::new(bytes)))
    }

    fn with<T>(&self, run: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        run(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl File for MemoryFile {
    fn bytes(&self) -> io::Result<u64> {
        Ok(self.with(|bytes| bytes.len() as u64))
    }

    fn set_bytes(&self, length: u64) -> io::Result<()> {
        let length = usize::try_from(length).map_err(io::Error::other)?;
        self.with(|bytes| bytes.resize(length, 0));
        Ok(())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let offset = usize::try_from(offset).map_err(io::Error::other)?;
        Ok(self.with(|bytes| {
            let rest = bytes.get(offset..).unwrap_or_default();
            let count = rest.len().min(buffer.len());
            buffer[..count].copy_from_slice(&rest[..count]);
            count
        }))
    }

    fn write_at(&self, buffer: &[u8], offset: u64) -> io::Result<usize> {
        let offset = usize::try_from(offset).map_err(io::Error::other)?;
        let end = offset.checked_add(buffer.len()).ok_or(io::ErrorKind::InvalidInput)?;
        self.with(|bytes| {
            if bytes.len() < end {
                bytes.resize(end, 0);
            }
            bytes[offset..end].copy_from_slice(buffer);
        });
        Ok(buffer.len())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    fn drop_cache(&self) -> io::Result<()> {
        Ok(())
    }

    fn map(&self) -> io::Result<Map> {
        refused()
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}
