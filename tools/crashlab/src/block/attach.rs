//! A file system mounted from a device.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fuser::BackgroundSession;
use rustix::io::Errno;
use rustix::mount::UnmountFlags;

use crate::block::device::Device;
use crate::block::filesystem::FileSystem;
use crate::block::image::Image;
use crate::block::serve::{file_name, serve};

/// Tries to unmount what somebody still uses, until it is taken away all the same.
const UNMOUNT_TRIES_MAX: u32 = 400;
/// Between two of them.
const UNMOUNT_AGAIN: Duration = Duration::from_millis(5);

/// A disk of the lab's own, as a block device of this machine. All is put away when it is dropped.
#[derive(Debug)]
pub struct Disk {
    device: Arc<Device>,
    served: PathBuf,
    point: PathBuf,
    mounts: AtomicU64,
    session: Option<BackgroundSession>,
    filesystem: FileSystem,
}

impl Disk {
    /// A disk with nothing on it, below `folder`, which is there and empty.
    pub fn new(folder: &Path, filesystem: FileSystem) -> io::Result<Disk> {
        let device = Arc::new(Device::new(Image::new(filesystem.disk_bytes())));
        let (served, point) = (folder.join("served"), folder.join("mounted"));
        fs::create_dir_all(&served)?;
        fs::create_dir_all(&point)?;
        let session = Some(serve(Arc::clone(&device), &served)?);
        let mounts = AtomicU64::new(0);
        Ok(Disk { device, served, point, mounts, session, filesystem })
    }

    /// Why this machine cannot have such a disk: it is tried.
    pub fn detect(scratch: &Path, filesystem: FileSystem) -> Result<(), String> {
        if !rustix::process::geteuid().is_root() {
            return Err("mounting and loop devices need root".to_owned());
        }
        if !Path::new("/dev/fuse").exists() {
            return Err("there is no /dev/fuse (`modprobe fuse` may bring it)".to_owned());
        }
        filesystem.detect()?;
        let tried = || -> io::Result<()> {
            let folder = tempfile::TempDir::new_in(scratch)?;
            let disk = Disk::new(folder.path(), filesystem)?;
            disk.make()?;
            disk.mount().map(drop)
        };
        tried().map_err(|error| format!("a disk of the lab's own cannot be mounted: {error}"))
    }

    /// What is behind it.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Makes a new file system on it, with an empty folder `data`, and returns the disk's bytes.
    pub fn make(&self) -> io::Result<Image> {
        self.device.put(Image::new(self.filesystem.disk_bytes()));
        self.filesystem.make(&self.file())?;
        let mounted = self.mount()?;
        fs::create_dir(mounted.data())?;
        mounted.unmount()?;
        Ok(self.device.image())
    }

    /// Mounts what is on it.
    pub fn mount(&self) -> io::Result<Mounted<'_>> {
        self.filesystem.mount(&self.file(), &self.point)?;
        Ok(Mounted { point: &self.point, is_mounted: true })
    }

    /// Whether the file system on it, not mounted, is sound.
    pub fn check(&self) -> io::Result<Result<(), String>> {
        self.filesystem.check(&self.file())
    }

    /// A file of which nobody knows anything yet.
    fn file(&self) -> PathBuf {
        self.served.join(file_name(self.mounts.fetch_add(1, Ordering::Relaxed)))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // What fails here leaves something behind; there is nobody to tell.
        let is_gone = unmount(&self.served).is_ok();
        if let Some(session) = self.session.take().filter(|_| is_gone) {
            let _ = session.join();
        }
    }
}

/// A mounted disk. Unmounted when dropped.
#[derive(Debug)]
pub struct Mounted<'a> {
    point: &'a Path,
    is_mounted: bool,
}

impl Mounted<'_> {
    /// The folder for a store's data.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.point.join("data")
    }

    /// Unmounts it.
    pub fn unmount(mut self) -> io::Result<()> {
        self.is_mounted = false;
        unmount(self.point)
    }
}

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        if self.is_mounted {
            let _ = unmount(self.point);
        }
    }
}

/// Unmounts what is mounted at `point`, once nobody uses it any more. What stays in use is taken
/// out of sight, and an error returned.
pub fn unmount(point: &Path) -> io::Result<()> {
    for _ in 0..UNMOUNT_TRIES_MAX {
        match rustix::mount::unmount(point, UnmountFlags::empty()) {
            Ok(()) => return Ok(()),
            Err(Errno::BUSY) => std::thread::park_timeout(UNMOUNT_AGAIN),
            Err(error) => return Err(error.into()),
        }
    }
    rustix::mount::unmount(point, UnmountFlags::DETACH)?;
    Err(Errno::BUSY.into())
}
