//! A device as a file of this machine: a FUSE file system in which every name is the same disk.
//!
//! A new name for each mount: whatever the kernel still keeps of an earlier one, because somebody
//! looked at its loop device, or took a copy of its mount along into a namespace, is of another file.

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use fuser::{
    BackgroundSession, BsdFileFlags, Config, Errno, FileAttr, FileHandle, FileType, Filesystem,
    FopenFlags, Generation, INodeNo, LockOwner, MountOption, OpenFlags, ReplyAttr, ReplyData,
    ReplyEmpty, ReplyEntry, ReplyOpen, ReplyWrite, Request, TimeOrNow, WriteFlags,
};

use crate::block::device::Device;
use crate::block::image::SECTOR_BYTES;

/// Nothing about a file ever changes.
const KNOWN_FOR: Duration = Duration::from_secs(3600);
/// One read at most.
const READ_BYTES_MAX: u32 = 16 << 20;

/// The name of file number `number`.
pub(super) fn file_name(number: u64) -> String {
    number.to_string()
}

/// Serves `device` as all files in the folder `at` that are called by a number.
pub(super) fn serve(device: Arc<Device>, at: &Path) -> io::Result<BackgroundSession> {
    let mut config = Config::default();
    config.mount_options = vec![MountOption::FSName("flowstone-crashlab".to_owned())];
    fuser::spawn_mount(Files { device }, at, &config)
}

struct Files {
    device: Arc<Device>,
}

impl Files {
    fn attributes(&self, number: INodeNo) -> FileAttr {
        let is_root = number == INodeNo::ROOT;
        let size = if is_root { 0 } else { self.device.bytes() };
        FileAttr {
            ino: number,
            size,
            blocks: size / SECTOR_BYTES,
            atime: SystemTime::UNIX_EPOCH,
            mtime: SystemTime::UNIX_EPOCH,
            ctime: SystemTime::UNIX_EPOCH,
            crtime: SystemTime::UNIX_EPOCH,
            kind: if is_root { FileType::Directory } else { FileType::RegularFile },
            perm: if is_root { 0o700 } else { 0o600 },
            nlink: 1,
            uid: 0,
            gid: 0,
            rdev: 0,
            blksize: 4096,
            flags: 0,
        }
    }
}

impl Filesystem for Files {
    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let number = name.to_str().and_then(|name| name.parse::<u64>().ok());
        match number.and_then(|number| number.checked_add(INodeNo::ROOT.0 + 1)) {
            Some(number) if parent == INodeNo::ROOT => {
                reply.entry(&KNOWN_FOR, &self.attributes(INodeNo(number)), Generation(0));
            }
            _ => reply.error(Errno::ENOENT),
        }
    }

    fn getattr(&self, _: &Request, number: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        reply.attr(&KNOWN_FOR, &self.attributes(number));
    }

    fn setattr(
        &self,
        _: &Request,
        number: INodeNo,
        _mode: Option<u32>,
        _uid: Option<u32>,
        _gid: Option<u32>,
        _size: Option<u64>,
        _atime: Option<TimeOrNow>,
        _mtime: Option<TimeOrNow>,
        _ctime: Option<SystemTime>,
        _: Option<FileHandle>,
        _crtime: Option<SystemTime>,
        _chgtime: Option<SystemTime>,
        _bkuptime: Option<SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        // Whoever makes a file system would like to set times, or a size that it has already.
        reply.attr(&KNOWN_FOR, &self.attributes(number));
    }

    fn open(&self, _: &Request, _: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        // Past the page cache: other bytes may be put in while the file is open.
        reply.opened(FileHandle(0), FopenFlags::FOPEN_DIRECT_IO);
    }

    fn read(
        &self,
        _: &Request,
        _: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let left = self.device.bytes().saturating_sub(offset);
        let size = u64::from(size.min(READ_BYTES_MAX)).min(left);
        let mut buffer = vec![0; usize::try_from(size).unwrap_or(0)];
        self.device.read(offset, &mut buffer);
        reply.data(&buffer);
    }

    fn write(
        &self,
        _: &Request,
        _: INodeNo,
        _: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        self.device.write(offset, data);
        reply.written(u32::try_from(data.len()).unwrap_or(u32::MAX));
    }

    fn fsync(&self, _: &Request, _: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        if self.device.flush() {
            reply.ok();
        } else {
            reply.error(Errno::EIO);
        }
    }

    /// Somebody closes the file.
    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }
}
