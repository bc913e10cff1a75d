//! The file system: a folder, seen through FUSE, whose operations fail when they are told to.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use fuser::{
    BackgroundSession, BsdFileFlags, Config, FileAttr, FileHandle, FileType, Filesystem,
    FopenFlags, Generation, INodeNo, KernelConfig, LockOwner, MountOption, OpenFlags, RenameFlags,
    ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory, ReplyEmpty, ReplyEntry, ReplyOpen,
    ReplyStatfs, ReplyWrite, Request, TimeOrNow, WriteFlags,
};

use crate::block::unmount;
use crate::faults::fault::{Faults, Kind};
use crate::faults::nodes::{Nodes, Opened, Unflushed};

/// Bytes that are read ahead at most.
const PAGE_BYTES: u32 = 4096;
/// The kernel asks again each time.
const KNOWN_FOR: Duration = Duration::ZERO;

/// A mounted passthrough. Unmounted when dropped.
pub(super) struct Passthrough {
    pub(super) faults: Arc<Faults>,
    point: PathBuf,
    session: Option<BackgroundSession>,
}

impl Passthrough {
    /// Mounts a new, empty one below `folder`.
    pub(super) fn mount(folder: &Path) -> io::Result<Passthrough> {
        let (root, point) = (folder.join("behind"), folder.join("mounted"));
        fs::create_dir(&root)?;
        fs::create_dir(&point)?;
        let faults = Arc::new(Faults::default());
        let nodes = Mutex::new(Nodes::new(INodeNo::ROOT.0, &root));
        let served = Served { root, nodes, unflushed: Mutex::default(), faults: faults.clone() };
        let mut config = Config::default();
        config.mount_options = vec![MountOption::FSName("flowstone-crashlab".to_owned())];
        let session = Some(fuser::spawn_mount(served, &point, &config)?);
        Ok(Passthrough { faults, point, session })
    }

    /// A folder for a store's data, which is there.
    pub(super) fn data(&self) -> io::Result<PathBuf> {
        let data = self.point.join("data");
        fs::create_dir_all(&data)?;
        Ok(data)
    }
}

impl Drop for Passthrough {
    fn drop(&mut self) {
        let is_gone = unmount(&self.point).is_ok();
        if let Some(session) = self.session.take().filter(|_| is_gone) {
            // What it says, nobody asks any more.
            let _ = session.join();
        }
    }
}

struct Served {
    root: PathBuf,
    nodes: Mutex<Nodes>,
    unflushed: Mutex<Unflushed>,
    faults: Arc<Faults>,
}

impl Served {
    fn nodes(&self) -> MutexGuard<'_, Nodes> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unflushed(&self) -> MutexGuard<'_, Unflushed> {
        self.unflushed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, number: INodeNo) -> io::Result<PathBuf> {
        self.nodes().path(number.0)
    }

    fn child(&self, parent: INodeNo, name: &OsStr) -> io::Result<PathBuf> {
        Ok(self.path(parent)?.join(name))
    }

    fn attributes(&self, number: INodeNo) -> io::Result<FileAttr> {
        Ok(attributes(number, &fs::symlink_metadata(self.path(number)?)?))
    }

    fn entry(&self, path: &Path) -> io::Result<FileAttr> {
        let found = fs::symlink_metadata(path)?;
        Ok(attributes(INodeNo(self.nodes().number_of(path)), &found))
    }

    fn open_file(&self, path: PathBuf, is_new: bool) -> io::Result<(FileAttr, FileHandle)> {
        let attributes = self.entry(&path)?;
        let file = File::options().read(true).write(true).open(&path)?;
        let opened = Opened { file, number: attributes.ino.0, path, is_new };
        let handle = self.nodes().opened(opened);
        Ok((attributes, FileHandle(handle)))
    }

    fn read_file(&self, handle: FileHandle, offset: u64, size: u32) -> io::Result<Vec<u8>> {
        let opened = self.nodes().open(handle.0)?;
        if self.faults.is_unreadable(&opened.path, offset..offset + u64::from(size)) {
            return Err(rustix::io::Errno::IO.into());
        }
        let mut buffer = vec![0; usize::try_from(size).unwrap_or(0)];
        let mut read = 0;
        while read < buffer.len() {
            match opened.file.read_at(&mut buffer[read..], offset + read as u64)? {
                0 => break,
                n => read += n,
            }
        }
        buffer.truncate(read);
        Ok(buffer)
    }

    fn write_file(&self, handle: FileHandle, offset: u64, data: &[u8]) -> io::Result<usize> {
        let opened = self.nodes().open(handle.0)?;
        if self.faults.strikes(Kind::FullDisk, &opened.path) {
            return Err(rustix::io::Errno::NOSPC.into());
        }
        let is_short = data.len() > 1 && self.faults.strikes(Kind::ShortWrite, &opened.path);
        let taken = if is_short { data.len() / 2 } else { data.len() };
        self.unflushed().note(&opened, offset, taken)?;
        opened.file.write_all_at(&data[..taken], offset)?;
        Ok(taken)
    }

    fn flush_file(&self, handle: FileHandle) -> io::Result<()> {
        let opened = self.nodes().open(handle.0)?;
        if self.faults.strikes(Kind::FailedFlush, &opened.path) {
            self.faults.note_flush_of(&opened);
            self.unflushed().lose(&opened)?;
            return Err(rustix::io::Errno::IO.into());
        }
        // Nothing but the store is ever killed here: the machine keeps what was written.
        self.unflushed().flushed(opened.number);
        Ok(())
    }

    fn rename_file(&self, from: &Path, to: &Path) -> io::Result<()> {
        if fs::symlink_metadata(from)?.is_dir() {
            return Err(rustix::io::Errno::OPNOTSUPP.into());
        }
        fs::rename(from, to)?;
        self.nodes().removed(to);
        self.nodes().renamed(from, to);
        Ok(())
    }

    fn list(&self, folder: INodeNo, from: u64, reply: &mut ReplyDirectory) -> io::Result<()> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(self.path(folder)?)? {
            let entry = entry?;
            let kind = FileType::from_std(entry.file_type()?).unwrap_or(FileType::RegularFile);
            entries.push((entry.file_name(), kind));
        }
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        for ((name, kind), number) in entries.into_iter().zip(1..).skip_while(|(_, n)| *n <= from) {
            // Numbers of files are only told by a lookup; any but 0 will do here.
            if reply.add(INodeNo(u64::MAX - number), number, kind, name) {
                break;
            }
        }
        Ok(())
    }
}

fn attributes(number: INodeNo, found: &fs::Metadata) -> FileAttr {
    let time = |time: io::Result<SystemTime>| time.unwrap_or(SystemTime::UNIX_EPOCH);
    FileAttr {
        ino: number,
        size: found.len(),
        blocks: found.blocks(),
        atime: time(found.accessed()),
        mtime: time(found.modified()),
        ctime: time(found.modified()),
        crtime: time(found.modified()),
        kind: FileType::from_std(found.file_type()).unwrap_or(FileType::RegularFile),
        perm: u16::try_from(found.mode() & 0o7777).unwrap_or(0o600),
        nlink: u32::try_from(found.nlink()).unwrap_or(1),
        uid: found.uid(),
        gid: found.gid(),
        rdev: 0,
        blksize: 4096,
        flags: 0,
    }
}

fn empty(done: io::Result<()>, reply: ReplyEmpty) {
    match done {
        Ok(()) => reply.ok(),
        Err(error) => reply.error(error.into()),
    }
}

fn entry(found: io::Result<FileAttr>, reply: ReplyEntry) {
    match found {
        Ok(found) => reply.entry(&KNOWN_FOR, &found, Generation(0)),
        Err(error) => reply.error(error.into()),
    }
}

impl Filesystem for Served {
    fn init(&mut self, _: &Request, config: &mut KernelConfig) -> io::Result<()> {
        // A page is asked for when somebody needs it, and not before. A refusal names what is
        // nearest: that is fine too.
        let _ = config.set_max_readahead(PAGE_BYTES);
        Ok(())
    }

    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        entry(self.child(parent, name).and_then(|path| self.entry(&path)), reply);
    }

    fn getattr(&self, _: &Request, number: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        match self.attributes(number) {
            Ok(found) => reply.attr(&KNOWN_FOR, &found),
            Err(error) => reply.error(error.into()),
        }
    }

    fn setattr(
        &self,
        _: &Request,
        number: INodeNo,
        _mode: Option<u32>,
        _uid: Option<u32>,
        _gid: Option<u32>,
        size: Option<u64>,
        _atime: Option<TimeOrNow>,
        _mtime: Option<TimeOrNow>,
        _ctime: Option<SystemTime>,
        handle: Option<FileHandle>,
        _crtime: Option<SystemTime>,
        _chgtime: Option<SystemTime>,
        _bkuptime: Option<SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let change = || -> io::Result<FileAttr> {
            if let Some(size) = size {
                match handle {
                    Some(handle) => self.nodes().open(handle.0)?.file.set_len(size)?,
                    None => File::options().write(true).open(self.path(number)?)?.set_len(size)?,
                }
            }
            self.attributes(number)
        };
        match change() {
            Ok(found) => reply.attr(&KNOWN_FOR, &found),
            Err(error) => reply.error(error.into()),
        }
    }

    fn mkdir(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        _mode: u32,
        _umask: u32,
        reply: ReplyEntry,
    ) {
        let make = |path: PathBuf| fs::create_dir(&path).and_then(|()| self.entry(&path));
        entry(self.child(parent, name).and_then(make), reply);
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let remove = |path: PathBuf| {
            fs::remove_file(&path)?;
            self.nodes().removed(&path);
            Ok(())
        };
        empty(self.child(parent, name).and_then(remove), reply);
    }

    fn rmdir(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let remove = |path: PathBuf| {
            fs::remove_dir(&path)?;
            self.nodes().removed(&path);
            Ok(())
        };
        empty(self.child(parent, name).and_then(remove), reply);
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        new_parent: INodeNo,
        new_name: &OsStr,
        _: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let rename =
            || self.rename_file(&self.child(parent, name)?, &self.child(new_parent, new_name)?);
        empty(rename(), reply);
    }

    fn create(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        _umask: u32,
        _flags: i32,
        reply: ReplyCreate,
    ) {
        // The kernel has looked: there is no such file, whether or not it may be there.
        let make = |path: PathBuf| {
            File::options().write(true).create(true).truncate(false).mode(mode).open(&path)?;
            self.open_file(path, true)
        };
        match self.child(parent, name).and_then(make) {
            Ok((found, handle)) => {
                reply.created(&KNOWN_FOR, &found, Generation(0), handle, FopenFlags::empty());
            }
            Err(error) => reply.error(error.into()),
        }
    }

    fn open(&self, _: &Request, number: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        // No flag: who asks for direct I/O has it, others have a cache that can be mapped.
        match self.path(number).and_then(|path| self.open_file(path, false)) {
            Ok((_, handle)) => reply.opened(handle, FopenFlags::empty()),
            Err(error) => reply.error(error.into()),
        }
    }

    fn release(
        &self,
        _: &Request,
        _: INodeNo,
        handle: FileHandle,
        _: OpenFlags,
        _: Option<LockOwner>,
        _flush: bool,
        reply: ReplyEmpty,
    ) {
        self.nodes().closed(handle.0);
        reply.ok();
    }

    fn read(
        &self,
        _: &Request,
        _: INodeNo,
        handle: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        match self.read_file(handle, offset, size) {
            Ok(data) => reply.data(&data),
            Err(error) => reply.error(error.into()),
        }
    }

    fn write(
        &self,
        _: &Request,
        _: INodeNo,
        handle: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        match self.write_file(handle, offset, data) {
            Ok(taken) => reply.written(u32::try_from(taken).unwrap_or(u32::MAX)),
            Err(error) => reply.error(error.into()),
        }
    }

    fn fsync(&self, _: &Request, _: INodeNo, handle: FileHandle, _: bool, reply: ReplyEmpty) {
        empty(self.flush_file(handle), reply);
    }

    fn fsyncdir(&self, _: &Request, _: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        reply.ok();
    }

    /// Somebody closes the file.
    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }

    fn readdir(
        &self,
        _: &Request,
        number: INodeNo,
        _: FileHandle,
        offset: u64,
        mut reply: ReplyDirectory,
    ) {
        match self.list(number, offset, &mut reply) {
            Ok(()) => reply.ok(),
            Err(error) => reply.error(error.into()),
        }
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        match rustix::fs::statvfs(&self.root) {
            Ok(found) => {
                let block = u32::try_from(found.f_frsize).unwrap_or(4096);
                let (files, free) = (found.f_files, found.f_ffree);
                let blocks = (found.f_blocks, found.f_bfree, found.f_bavail);
                reply.statfs(blocks.0, blocks.1, blocks.2, files, free, block, 255, block);
            }
            Err(error) => reply.error(io::Error::from(error).into()),
        }
    }
}
