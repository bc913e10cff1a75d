//! Read-only maps of immutable files.
//!
//! A map is either real memory-mapped pages or bytes on the heap (the simulated disk, and files
//! with nothing in them). A read error under a mapped page would kill the process; `sigbus.rs`
//! turns it into zeros and a mark, so that the reader goes on and its checksum fails.

#![allow(unsafe_code, reason = "memory maps are unsafe to make")]

use std::fmt;
use std::fs::File;
use std::io;
use std::ops::Deref;

use bytes::Bytes;

use super::sigbus::Registration;

/// The bytes of an immutable file.
pub struct Map(Kind);

enum Kind {
    Heap(Bytes),
    // INVARIANT: the registration is declared, and so dropped, before the pages: once they are
    // unmapped their addresses may belong to somebody else.
    Pages { registration: Registration, pages: memmap2::Mmap },
}

impl Map {
    /// A map that is a copy on the heap.
    #[must_use]
    pub fn from_bytes(bytes: Bytes) -> Map {
        Map(Kind::Heap(bytes))
    }

    /// Maps all of `file`, which nobody writes or shortens again.
    pub(super) fn of_file(file: &File) -> io::Result<Map> {
        if file.metadata()?.len() == 0 {
            return Ok(Map::from_bytes(Bytes::new()));
        }
        // SAFETY: the bytes must not change while they are borrowed. Only complete, immutable
        // files are mapped (the seam's invariant) and the directory is locked by this process.
        // An operator who edits or cuts a file by hand breaks it: a cut page reads as zeros.
        let pages = unsafe { memmap2::Mmap::map(file) }?;
        let registration = Registration::new(pages.as_ptr().addr(), pages.len())?;
        Ok(Map(Kind::Pages { registration, pages }))
    }

    /// Whether a page could not be read, and shows zeros instead. Ask after a checksum failed.
    #[must_use]
    pub fn is_damaged(&self) -> bool {
        match &self.0 {
            Kind::Heap(_) => false,
            Kind::Pages { registration, .. } => registration.is_damaged(),
        }
    }
}

impl Deref for Map {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Kind::Heap(bytes) => bytes,
            Kind::Pages { pages, .. } => pages,
        }
    }
}

impl AsRef<[u8]> for Map {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Map")
            .field("bytes", &self.len())
            .field("is_damaged", &self.is_damaged())
            .finish_non_exhaustive()
    }
}
