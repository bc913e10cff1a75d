//! A file system of the lab's own: an image in memory, a loop device, a mount.
//!
//! ```text
//!   image (unlinked, in /dev/shm) <- loop device (goes with its last opener) <- ext4 or XFS
//!                                                                                 |
//!                       a folder, mounted for the worker's thread and its stores only
//! ```
//!
//! | file        | owns |
//! |-------------|------|
//! | `kernel.rs` | the requests to the kernel that are unsafe to make |
//!
//! **Invariant** nothing of it outlives the lab, not even `kill -9` of the lab: the image has no
//! name, the loop device is detached by the kernel when nobody has it open, and the mount is in a
//! mount namespace that ends with its last process.

mod kernel;

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use tempfile::TempDir;

use crate::stopwatch::Stopwatch;

/// Where images are, when there is memory for them: a loop device over a disk would be as slow as
/// that.
const MEMORY: &str = "/dev/shm";
/// What must be free there, in bytes.
const MEMORY_FREE_MIN: u64 = 1 << 30;
/// Whom the kernel closes after its process has died keeps a mount busy for a moment: not longer
/// than this.
const BUSY_MAX: Duration = Duration::from_secs(30);
/// Between two tries.
const TRY_AGAIN: Duration = Duration::from_millis(1);

/// Which file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// ext4, with its defaults: `data=ordered`.
    Ext4,
    /// XFS, with its defaults.
    Xfs,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Kind::Ext4 => "ext4",
            Kind::Xfs => "xfs",
        }
    }

    const fn make(self) -> (&'static str, &'static [&'static str], &'static str) {
        match self {
            Kind::Ext4 => ("mkfs.ext4", &["-q", "-F"], "e2fsprogs"),
            Kind::Xfs => ("mkfs.xfs", &["-q", "-f"], "xfsprogs"),
        }
    }

    /// Bytes of the smallest that its program makes.
    const fn bytes_min(self) -> u64 {
        match self {
            Kind::Ext4 => 16 << 20,
            Kind::Xfs => 300 << 20,
        }
    }
}

/// Why this machine cannot have one.
pub fn detect(kind: Kind) -> Result<(), String> {
    if !rustix::process::geteuid().is_root() {
        return Err("mounting needs root".to_owned());
    }
    let known = fs::read_to_string("/proc/filesystems").unwrap_or_default();
    let is_known = known.split_whitespace().any(|word| word == kind.name());
    let module = || run("modprobe", [kind.name()]).is_ok();
    if !is_known && !module() {
        return Err(format!("the kernel does not know {}", kind.name()));
    }
    if !Path::new("/dev/loop-control").exists() {
        return Err("there is no /dev/loop-control: load the kernel module `loop`".to_owned());
    }
    let (make, _, package) = kind.make();
    for (program, package) in [(make, package), ("losetup", "mount")] {
        if Command::new(program).arg("--version").output().is_err() {
            return Err(format!("there is no {program}: apt install {package}"));
        }
    }
    Ok(())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Unmounted,
    Mounted,
    ShutDown,
}

/// A file system of its own for one worker's thread, and what that thread starts.
#[derive(Debug)]
pub struct Volume {
    kind: Kind,
    point: TempDir,
    device: PathBuf,
    /// The loop device goes when this is closed, and it is not mounted.
    open_device: File,
    state: State,
}

impl Volume {
    /// A new one of `bytes` bytes, or of the fewest that it can have, mounted on a folder below
    /// `scratch`. Only the calling thread and the processes that it starts see the mount.
    pub fn new(kind: Kind, bytes: u64, scratch: &Path) -> io::Result<Volume> {
        kernel::own_mounts()?;
        let memory = Path::new(MEMORY);
        let is_room = rustix::fs::statvfs(memory)
            .is_ok_and(|room| room.f_bavail.saturating_mul(room.f_frsize) >= MEMORY_FREE_MIN);
        let image = tempfile::NamedTempFile::with_prefix_in(
            "crashlab-image-",
            if is_room { memory } else { scratch },
        )?;
        image.as_file().set_len(bytes.max(kind.bytes_min()))?;
        let (make, arguments, _) = kind.make();
        let arguments = arguments.iter().map(OsStr::new);
        run(make, arguments.chain([image.path().as_os_str()]))?;
        let find = ["--find", "--show"].map(OsStr::new);
        let device = run("losetup", find.into_iter().chain([image.path().as_os_str()]))?;
        let device = PathBuf::from(device.trim());
        let open_device = File::open(&device)?;
        // ORDER: while somebody has it open, detaching marks it only: it goes with the last one.
        run("losetup", [OsStr::new("--detach"), device.as_os_str()])?;
        drop(image);
        let point = TempDir::with_prefix_in("volume-", scratch)?;
        let mut volume = Volume { kind, point, device, open_device, state: State::Unmounted };
        volume.ready()?;
        Ok(volume)
    }

    /// Where it is mounted.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.point.path()
    }

    /// A new folder, whose name no shutdown takes away.
    pub fn make_folder(&self, name: &str) -> io::Result<PathBuf> {
        let folder = self.path().join(name);
        fs::create_dir(&folder)?;
        File::open(self.path())?.sync_all()?;
        Ok(folder)
    }

    /// Bytes that are free.
    pub fn free_bytes(&self) -> io::Result<u64> {
        let room = rustix::fs::statvfs(self.path())?;
        Ok(room.f_bavail.saturating_mul(room.f_frsize))
    }

    /// Shuts it down without flushing its log. It stays mounted, and useless, until
    /// [`ready`](Volume::ready).
    pub fn shut_down(&mut self) -> io::Result<()> {
        kernel::shut_down(&File::open(self.path())?)?;
        self.state = State::ShutDown;
        Ok(())
    }

    /// Makes it whole again: after a shutdown it is unmounted, and mounted, which recovers its log.
    /// Nobody may have a file of it open, but a process that is just ending.
    pub fn ready(&mut self) -> io::Result<()> {
        if self.state == State::ShutDown {
            self.unmount()?;
            kernel::forget_buffers(&self.open_device)?;
        }
        if self.state == State::Unmounted {
            let flags = MountFlags::NOATIME;
            mount(&self.device, self.path(), self.kind.name(), flags, None)?;
            self.state = State::Mounted;
        }
        Ok(())
    }

    fn unmount(&mut self) -> io::Result<()> {
        let time = Stopwatch::start();
        loop {
            match unmount(self.path(), UnmountFlags::empty()) {
                Ok(()) => break,
                Err(Errno::BUSY) if time.elapsed() < BUSY_MAX => {
                    std::thread::park_timeout(TRY_AGAIN);
                }
                Err(error) => {
                    let message = format!("{} cannot be unmounted: {error}", self.kind.name());
                    return Err(io::Error::other(message));
                }
            }
        }
        self.state = State::Unmounted;
        Ok(())
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        if self.state != State::Unmounted && self.unmount().is_err() {
            // It goes when the last one who has a file of it open does.
            let _ = unmount(self.path(), UnmountFlags::DETACH);
        }
    }
}

/// Runs a program of the system to its end, and returns what it printed.
fn run(
    program: &str,
    arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
) -> io::Result<String> {
    let output = Command::new(program).args(arguments).output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let error = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("{program}: {}: {}", output.status, error.trim())))
}
