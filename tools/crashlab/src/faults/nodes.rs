//! The files of a passthrough file system by number, and what is open.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::io::Errno;

/// What was overwritten since a file's last flush, in bytes at most: what is older is forgotten, and
/// then counts as written back.
const UNDO_BYTES_MAX: usize = 16 << 20;

/// Numbers of files: a name keeps its number while it is there, and none is given twice.
#[derive(Debug)]
pub(super) struct Nodes {
    paths: HashMap<u64, PathBuf>,
    numbers: HashMap<PathBuf, u64>,
    open: HashMap<u64, Arc<Opened>>,
    next: u64,
}

/// An open file.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) file: File,
    pub(super) number: u64,
    pub(super) path: PathBuf,
    /// Whether it was made by being opened.
    pub(super) is_new: bool,
}

impl Nodes {
    /// With the root, which is number `root`.
    pub(super) fn new(root: u64, path: &Path) -> Nodes {
        let mut nodes = Nodes {
            paths: HashMap::new(),
            numbers: HashMap::new(),
            open: HashMap::new(),
            next: root,
        };
        nodes.number_of(path);
        nodes
    }

    pub(super) fn path(&self, number: u64) -> io::Result<PathBuf> {
        self.paths.get(&number).cloned().ok_or_else(|| Errno::NOENT.into())
    }

    pub(super) fn number_of(&mut self, path: &Path) -> u64 {
        if let Some(number) = self.numbers.get(path) {
            return *number;
        }
        let number = self.next;
        self.next += 1;
        self.numbers.insert(path.to_owned(), number);
        self.paths.insert(number, path.to_owned());
        number
    }

    pub(super) fn removed(&mut self, path: &Path) {
        self.numbers.remove(path);
    }

    pub(super) fn renamed(&mut self, from: &Path, to: &Path) {
        if let Some(number) = self.numbers.remove(from) {
            self.numbers.insert(to.to_owned(), number);
            self.paths.insert(number, to.to_owned());
        }
    }

    pub(super) fn opened(&mut self, opened: Opened) -> u64 {
        let handle = self.next;
        self.next += 1;
        self.open.insert(handle, Arc::new(opened));
        handle
    }

    pub(super) fn open(&self, handle: u64) -> io::Result<Arc<Opened>> {
        self.open.get(&handle).cloned().ok_or_else(|| Errno::BADF.into())
    }

    pub(super) fn closed(&mut self, handle: u64) {
        self.open.remove(&handle);
    }
}

/// What was in the files before they were written to, since their last flush.
#[derive(Debug, Default)]
pub(super) struct Unflushed {
    before: HashMap<u64, Vec<(u64, Vec<u8>)>>,
    bytes: usize,
}

impl Unflushed {
    /// Notes what is about to be overwritten.
    pub(super) fn note(&mut self, opened: &Opened, offset: u64, bytes: usize) -> io::Result<()> {
        if self.bytes + bytes > UNDO_BYTES_MAX {
            *self = Unflushed::default();
        }
        let mut before = vec![0; bytes];
        let mut read = 0;
        while read < bytes {
            // Behind the end are zeros.
            match opened.file.read_at(&mut before[read..], offset + read as u64)? {
                0 => break,
                n => read += n,
            }
        }
        self.bytes += bytes;
        self.before.entry(opened.number).or_default().push((offset, before));
        Ok(())
    }

    /// The file was flushed: all of it is there to stay.
    pub(super) fn flushed(&mut self, number: u64) {
        self.take(number);
    }

    /// A flush has failed: what was written since the last one is lost.
    pub(super) fn lose(&mut self, opened: &Opened) -> io::Result<()> {
        let before = self.take(opened.number);
        before.iter().rev().try_for_each(|(at, bytes)| opened.file.write_all_at(bytes, *at))
    }

    fn take(&mut self, number: u64) -> Vec<(u64, Vec<u8>)> {
        let taken = self.before.remove(&number).unwrap_or_default();
        self.bytes -= taken.iter().map(|(_, bytes)| bytes.len()).sum::<usize>();
        taken
    }
}
