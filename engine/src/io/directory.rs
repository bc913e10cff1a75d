//! The real data directory: files, names and locks, shared by both real disks.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{AtFlags, Dir, FileType, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::file::RealFile;
use super::path::{check, check_name};
use super::{DirectoryLock, Entry, File, Open};

const FILE_MODE: Mode = Mode::RUSR.union(Mode::WUSR);
const DIR_MODE: Mode = Mode::RWXU;

/// A directory that is held open; every path is looked up from it.
#[derive(Debug)]
pub(super) struct Directory {
    root: OwnedFd,
}

impl Directory {
    /// Opens the directory `root`, which exists.
    pub(super) fn open(root: &Path) -> io::Result<Directory> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Directory { root: rustix::fs::open(root, flags, Mode::empty())? })
    }

    /// Opens a file.
    pub(super) fn open_file(&self, path: &Path, how: Open) -> io::Result<Arc<dyn File>> {
        check_name(path)?;
        let file = match how {
            Open::Read => self.open_plain(path, OFlags::RDONLY)?,
            Open::Write => self.open_plain(path, OFlags::RDWR)?,
            Open::Create => self.open_plain(path, OFlags::RDWR | OFlags::CREATE | OFlags::EXCL)?,
            Open::ReadDirect => match self.open_plain(path, OFlags::RDONLY | OFlags::DIRECT) {
                Err(Errno::INVAL) => {
                    let file = self.open_plain(path, OFlags::RDONLY)?;
                    file.drop_cache()?;
                    file
                }
                opened => opened?,
            },
            Open::WriteDirect => match self.open_plain(path, OFlags::RDWR | OFlags::DIRECT) {
                Err(Errno::INVAL) => self.open_plain(path, OFlags::RDWR)?,
                opened => opened?,
            },
        };
        Ok(Arc::new(file))
    }

    /// What is in `dir`, sorted by name.
    pub(super) fn list(&self, dir: &Path) -> io::Result<Vec<Entry>> {
        let dir = self.open_dir(dir)?;
        let mut entries = Vec::new();
        for found in Dir::read_from(&dir)? {
            let found = found?;
            let name = found.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            let stat = match rustix::fs::statat(&dir, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => stat,
                // Removed since it was listed.
                Err(Errno::NOENT) => continue,
                Err(error) => return Err(error.into()),
            };
            entries.push(Entry {
                name: name.to_string_lossy().into_owned(),
                is_dir: FileType::from_raw_mode(stat.st_mode) == FileType::Directory,
                bytes: u64::try_from(stat.st_size).unwrap_or(0),
            });
        }
        entries.sort();
        Ok(entries)
    }

    /// Makes `dir` if it is missing.
    pub(super) fn create_dir(&self, dir: &Path) -> io::Result<()> {
        check_name(dir)?;
        match rustix::fs::mkdirat(&self.root, dir, DIR_MODE) {
            Err(Errno::EXIST) => self.open_dir(dir).map(drop),
            made => Ok(made?),
        }
    }

    /// Renames a file, over another if there is one.
    pub(super) fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        check_name(from)?;
        check_name(to)?;
        Ok(rustix::fs::renameat(&self.root, from, &self.root, to)?)
    }

    /// Removes a file.
    pub(super) fn remove(&self, path: &Path) -> io::Result<()> {
        check_name(path)?;
        Ok(rustix::fs::unlinkat(&self.root, path, AtFlags::empty())?)
    }

    /// Flushes a directory.
    pub(super) fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        Ok(rustix::fs::fsync(self.open_dir(dir)?)?)
    }

    /// Takes the lock file `path`, making it if it is missing; `WouldBlock` when it is taken, by
    /// another process or by this one.
    pub(super) fn lock(&self, path: &Path) -> io::Result<Box<dyn DirectoryLock>> {
        check_name(path)?;
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.root, path, flags, FILE_MODE)?;
        rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        Ok(Box::new(FileLock { _file: file }))
    }

    /// Bytes that a process without privileges can still write.
    pub(super) fn free_bytes(&self) -> io::Result<u64> {
        let stat = rustix::fs::fstatvfs(&self.root)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    fn open_plain(&self, path: &Path, flags: OFlags) -> Result<RealFile, Errno> {
        let file = rustix::fs::openat(&self.root, path, flags | OFlags::CLOEXEC, FILE_MODE)?;
        Ok(RealFile::new(file.into()))
    }

    fn open_dir(&self, dir: &Path) -> io::Result<OwnedFd> {
        check(dir)?;
        let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(rustix::fs::openat(&self.root, dir, flags, Mode::empty())?)
    }
}

/// The lock is the open file's: closing it, or dying, lets go.
struct FileLock {
    _file: OwnedFd,
}

impl DirectoryLock for FileLock {}
