//! How ext4 and XFS are made and mounted.

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

/// A file system under which a store is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileSystem {
    /// ext4, as it is by default (`data=ordered`).
    Ext4,
    /// XFS, as it is by default.
    Xfs,
}

impl FileSystem {
    /// As the kernel calls it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            FileSystem::Ext4 => "ext4",
            FileSystem::Xfs => "xfs",
        }
    }

    /// A size that it is content with.
    #[must_use]
    pub const fn disk_bytes(self) -> u64 {
        match self {
            FileSystem::Ext4 => 256 << 20,
            // It refuses anything below 300 MiB.
            FileSystem::Xfs => 320 << 20,
        }
    }

    /// What it takes for granted that a disk writes whole or not at all.
    #[must_use]
    pub const fn atom_bytes(self) -> u64 {
        512
    }

    /// Why this machine lacks it.
    pub fn detect(self) -> Result<(), String> {
        let known = fs::read_to_string("/proc/filesystems").unwrap_or_default();
        let is_known =
            known.lines().any(|line| line.split_whitespace().last() == Some(self.name()));
        if !is_known {
            return Err(format!(
                "this kernel has no {0} (`modprobe {0}` may bring it)",
                self.name()
            ));
        }
        let program = format!("mkfs.{}", self.name());
        let package = if self == FileSystem::Ext4 { "e2fsprogs" } else { "xfsprogs" };
        let asked = Command::new(&program).arg("-V").output();
        asked.map_err(|error| format!("{program}: {error} (package {package})"))?;
        Ok(())
    }

    /// Makes a new one in `file`.
    pub fn make(self, file: &Path) -> io::Result<()> {
        let mut command = Command::new(format!("mkfs.{}", self.name()));
        let arguments: &[&str] = match self {
            // Whatever is done later, in the background, would be in the log.
            FileSystem::Ext4 => &[
                "-q",
                "-F",
                "-J",
                "size=4",
                "-E",
                "nodiscard,lazy_itable_init=0,lazy_journal_init=0",
            ],
            FileSystem::Xfs => &["-q", "-f", "-K"],
        };
        run(command.args(arguments).arg(file))
    }

    /// Mounts what is in `file` at `point`, by a loop device that goes when it is unmounted.
    pub fn mount(self, file: &Path, point: &Path) -> io::Result<()> {
        let options = match self {
            FileSystem::Ext4 => "loop",
            FileSystem::Xfs => "loop,nouuid",
        };
        let mut command = Command::new("mount");
        run(command.args(["-t", self.name(), "-o", options]).arg(file).arg(point))
    }

    /// Whether what is in `file` is sound; what its checker says, if not.
    pub fn check(self, file: &Path) -> io::Result<Result<(), String>> {
        let mut command = match self {
            FileSystem::Ext4 => Command::new("e2fsck"),
            FileSystem::Xfs => Command::new("xfs_repair"),
        };
        // To the one it means "also when it looks clean", to the other "it is a file".
        let output = command.args(["-n", "-f"]).arg(file).stdin(Stdio::null()).output()?;
        if output.status.success() {
            return Ok(Ok(()));
        }
        let text = String::from_utf8_lossy(&output.stdout);
        Ok(Err(text.lines().take(20).collect::<Vec<_>>().join("; ")))
    }
}

/// Runs a program; what it says is in the error when it fails.
fn run(command: &mut Command) -> io::Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output();
    let output =
        output.map_err(|error| io::Error::new(error.kind(), format!("{name}: {error}")))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(io::Error::other(format!("{name}: {}: {text}", output.status)))
}
