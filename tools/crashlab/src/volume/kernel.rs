//! The three requests to the kernel that Rust's compiler cannot vouch for.

#![allow(unsafe_code, reason = "the kernel is handed an address, and threads are parted")]

use std::fs::File;
use std::io;

use rustix::ioctl::{NoArg, Opcode, Setter, ioctl, opcode};
use rustix::mount::{MountPropagationFlags, mount_change};
use rustix::thread::{UnshareFlags, unshare_unsafe};

/// `FS_IOC_SHUTDOWN`, which ext4, XFS, F2FS and others know: `_IOR('X', 125, __u32)`.
const SHUTDOWN: Opcode = opcode::read::<u32>(b'X', 125);
/// The log is not written out: what it holds in memory is gone.
const NO_LOG_FLUSH: u32 = 2;

/// Shuts down the file system that `file` is on, as if the power had failed: nothing is written to
/// its device any more, also not its log.
pub(super) fn shut_down(file: &File) -> io::Result<()> {
    // SAFETY: the kernel reads one `__u32` for this request, and `Setter` hands it the address of
    // the one that it holds.
    let request = unsafe { Setter::<SHUTDOWN, u32>::new(NO_LOG_FLUSH) };
    // SAFETY: as above; `request` lives until the call is over, and the kernel keeps no address.
    unsafe { ioctl(file, request) }.map_err(io::Error::from)
}

/// `BLKFLSBUF`, which every block device knows: `_IO(0x12, 97)`.
const FORGET_BUFFERS: Opcode = opcode::none(0x12, 97);

/// Lets the kernel forget what it has in memory of a block device that nothing is mounted from. What
/// a file system had changed there when it was shut down, no loss of power would have left.
pub(super) fn forget_buffers(device: &File) -> io::Result<()> {
    // SAFETY: this request takes no argument.
    let request = unsafe { NoArg::<FORGET_BUFFERS>::new() };
    // SAFETY: as above.
    unsafe { ioctl(device, request) }.map_err(io::Error::from)
}

/// Gives this thread, and what it starts from now on, mounts of its own. They go away with the last
/// of them, however it ends.
pub(super) fn own_mounts() -> io::Result<()> {
    // SAFETY: tables of open files, the only thing about which parting is unsafe, stay shared.
    unsafe { unshare_unsafe(UnshareFlags::NEWNS) }?;
    let flags = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change("/", flags).map_err(io::Error::from)
}
