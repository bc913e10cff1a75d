//! The real disk: a data directory, and the commit ring that this machine allows.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::directory::Directory;
use super::portable::PortableRing;
use super::uring::{self, UringRing};
use super::{CommitRing, DirectoryLock, Disk, Entry, File, Open};

/// Which commit ring to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Backend {
    /// io_uring, or threads where it is refused.
    #[default]
    Auto,
    /// io_uring, or an error where it is refused.
    Uring,
    /// Threads.
    Portable,
}

/// A directory on this machine.
#[derive(Debug)]
pub struct RealDisk {
    directory: Directory,
    backend: Backend,
}

impl RealDisk {
    /// Opens the data directory `root`, making it if it is missing.
    pub fn open(root: &Path, backend: Backend) -> io::Result<RealDisk> {
        RealDisk::open_probed(root, backend, uring::probe)
    }

    /// The same, told by `probe` whether io_uring works.
    pub(super) fn open_probed(
        root: &Path,
        backend: Backend,
        probe: impl FnOnce() -> io::Result<()>,
    ) -> io::Result<RealDisk> {
        let backend = match backend {
            Backend::Portable => Backend::Portable,
            Backend::Uring => probe().map(|()| Backend::Uring)?,
            Backend::Auto => match probe() {
                Ok(()) => Backend::Auto,
                Err(error) => {
                    say_refused(&error);
                    Backend::Portable
                }
            },
        };
        ensure_dir(root)?;
        Ok(RealDisk { directory: Directory::open(root)?, backend })
    }
}

fn say_refused(error: &io::Error) {
    tracing::info!(%error, "io_uring refused, committing with threads");
}

/// Makes `dir` and what leads to it, each durable in its parent.
fn ensure_dir(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    let parent = match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    ensure_dir(parent)?;
    match std::fs::create_dir(dir) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    std::fs::File::open(parent)?.sync_all()
}

impl Disk for RealDisk {
    fn open(&self, path: &Path, how: Open) -> io::Result<Arc<dyn File>> {
        self.directory.open_file(path, how)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<Entry>> {
        self.directory.list(dir)
    }

    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        self.directory.create_dir(dir)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.directory.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.directory.remove(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.directory.sync_dir(dir)
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn DirectoryLock>> {
        self.directory.lock(path)
    }

    fn free_bytes(&self) -> io::Result<u64> {
        self.directory.free_bytes()
    }

    fn commit_ring(&self, depth: u32) -> io::Result<Box<dyn CommitRing>> {
        match self.backend {
            Backend::Portable => Ok(Box::new(PortableRing::new(depth)?)),
            Backend::Uring => Ok(Box::new(UringRing::new(depth)?)),
            Backend::Auto => match UringRing::new(depth) {
                Ok(ring) => Ok(Box::new(ring)),
                Err(error) => {
                    say_refused(&error);
                    Ok(Box::new(PortableRing::new(depth)?))
                }
            },
        }
    }
}
