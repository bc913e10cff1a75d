//! The disk seam: everything the engine asks of storage, and nothing more.
//!
//! ```text
//!   journal --submit--> CommitRing --write + flush--> file      many in flight, told when durable
//!   segments, catalog ----------> Disk / File                   plain blocking calls
//! ```
//!
//! | file          | owns |
//! |---------------|------|
//! | `aligned.rs`  | buffers whose address and length suit direct I/O |
//! | `path.rs`     | paths that stay inside the data directory |
//! | `map.rs`      | read-only maps of immutable files |
//! | `sigbus.rs`   | surviving a read error under a map |
//! | `file.rs`     | a real file |
//! | `directory.rs`| the real directory: names, locks, opening files |
//! | `portable.rs` | a commit ring made of threads, `pwritev2` and `fdatasync` |
//! | `uring.rs`    | a commit ring made of io_uring |
//! | `event_wake.rs` | what wakes the owner of that ring |
//! | `real.rs`     | the real disk: a directory and the ring that this machine allows |
//! | `sim/`        | a disk that loses, tears and reorders what was not flushed (feature `testing`) |
//!
//! Paths are relative to the data directory. A `Disk` is rooted in it and reaches nothing else.
//!
//! **Invariant** a file that is mapped is never shortened nor written again.
//! **Invariant** nothing here retries a flush that failed.

mod aligned;
mod directory;
mod event_wake;
mod file;
pub mod map;
mod path;
mod portable;
mod real;
mod sigbus;
mod uring;

#[cfg(feature = "testing")]
pub mod sim;

#[cfg(test)]
mod tests;

pub use aligned::AlignedBuffer;
pub use map::Map;
pub use portable::PortableRing;
pub use real::{Backend, RealDisk};
pub use sigbus::MAPS_MAX;
pub use uring::{UringRing, probe as probe_uring};

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Direct I/O moves whole units of this many bytes, at offsets and addresses that are multiples.
pub const DIRECT_IO_BYTES: usize = 4096;

/// How to open a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Open {
    /// An existing file, to read.
    Read,
    /// An existing file, to read and write.
    Write,
    /// A new file, to read and write; it is an error when the name is taken.
    Create,
    /// An existing file, to read past the page cache, where the file system can.
    ReadDirect,
    /// An existing file, to read and write past the page cache, where the file system can.
    /// Reads and writes must be aligned to [`DIRECT_IO_BYTES`] in offset, length and address.
    WriteDirect,
}

/// A directory's entry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The name, without its directory.
    pub name: String,
    /// Whether it is a directory.
    pub is_dir: bool,
    /// Its length.
    pub bytes: u64,
}

/// Holds a directory for this process until dropped.
pub trait DirectoryLock: Send + Sync {}

/// A data directory on some storage.
pub trait Disk: Send + Sync + fmt::Debug {
    /// Opens a file.
    fn open(&self, path: &Path, how: Open) -> io::Result<Arc<dyn File>>;
    /// What is in directory `dir`, sorted by name. `dir` may be empty: the data directory itself.
    fn list(&self, dir: &Path) -> io::Result<Vec<Entry>>;
    /// Makes `dir` if it is missing. The parent's flush makes it durable.
    fn create_dir(&self, dir: &Path) -> io::Result<()>;
    /// Renames a file, over another if there is one. The directories' flush makes it durable.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file. The directory's flush makes it durable.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Flushes a directory: the names in it are durable when this returns.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Takes the data directory for this process; `WouldBlock` when another process has it.
    fn lock(&self, path: &Path) -> io::Result<Box<dyn DirectoryLock>>;
    /// Bytes that files of this process can still take.
    fn free_bytes(&self) -> io::Result<u64>;
    /// A ring that keeps up to `depth` durable writes in flight.
    fn commit_ring(&self, depth: u32) -> io::Result<Box<dyn CommitRing>>;
}

/// An open file. All methods may be called from several threads at once.
pub trait File: Send + Sync + fmt::Debug {
    /// The length in bytes.
    fn bytes(&self) -> io::Result<u64>;
    /// Sets the length, padding with zeros.
    fn set_bytes(&self, bytes: u64) -> io::Result<()>;
    /// Reads into `buffer` from `offset`; fewer bytes than asked for only at the end or when
    /// interrupted.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes from `buffer` at `offset`; may write fewer bytes than asked.
    fn write_at(&self, buffer: &[u8], offset: u64) -> io::Result<usize>;
    /// Flushes data and length. After an error what was written since the last success is unknown.
    fn sync(&self) -> io::Result<()>;
    /// Forgets cached pages, so that the next read comes from the device.
    fn drop_cache(&self) -> io::Result<()>;
    /// Maps the whole file to read. Only for files that are complete and immutable.
    fn map(&self) -> io::Result<Map>;
    /// The descriptor, where there is one: what a real commit ring writes to.
    fn descriptor(&self) -> Option<std::os::fd::BorrowedFd<'_>>;
    /// This file's place on a simulated disk, where it is one.
    fn simulated(&self) -> Option<u64> {
        None
    }
}

impl dyn File + '_ {
    /// Reads exactly `buffer`, or fails with `UnexpectedEof`.
    pub fn read_exact_at(&self, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
        while !buffer.is_empty() {
            match self.read_at(buffer, offset) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(n) => {
                    buffer = &mut buffer[n..];
                    offset += n as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Writes all of `buffer`, however many calls it takes.
    pub fn write_all_at(&self, mut buffer: &[u8], mut offset: u64) -> io::Result<()> {
        while !buffer.is_empty() {
            match self.write_at(buffer, offset) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => {
                    buffer = &buffer[n..];
                    offset += n as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// One durable write: these bytes at this offset, and on stable storage before it completes.
pub struct DurableWrite {
    /// Told back in the completion.
    pub token: u64,
    /// A file opened with [`Open::WriteDirect`].
    pub file: Arc<dyn File>,
    /// Multiple of [`DIRECT_IO_BYTES`].
    pub offset: u64,
    /// Address and length are multiples of [`DIRECT_IO_BYTES`]; nobody changes the bytes until the
    /// write completes.
    pub bytes: bytes::Bytes,
}

/// The end of a durable write.
#[derive(Debug)]
pub struct Completion {
    /// The write's token.
    pub token: u64,
    /// Whether **all** its bytes are on stable storage. A short write is continued by the ring,
    /// or it is an error; it is never reported as a success.
    pub result: io::Result<()>,
}

/// Wakes the thread that waits in [`CommitRing::wait`]. Callable from any thread, cheap when the
/// ring is awake.
pub trait Wake: Send + Sync {
    /// Makes the current or the next `wait` return.
    fn wake(&self);
}

/// Durable writes in flight, owned by the one thread that submits and waits.
pub trait CommitRing: Send {
    /// Which kind this is, for the log: `io_uring`, `portable`, `simulated`.
    fn kind(&self) -> &'static str;
    /// Starts a write. The caller keeps the number in flight within the ring's depth.
    fn submit(&mut self, write: DurableWrite);
    /// Blocks until a write completes, somebody wakes the ring, or `timeout` passes; appends to
    /// `completions` whatever has completed, in any order. `Some(Duration::ZERO)` does not block.
    /// May return early and with nothing: the caller looks, and waits again.
    fn wait(&mut self, timeout: Option<Duration>, completions: &mut Vec<Completion>);
    /// What wakes this ring.
    fn waker(&self) -> Arc<dyn Wake>;
}
