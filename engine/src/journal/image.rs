//! The memory that mirrors a journal file: written once from front to back by its one owner, read
//! by many as soon as it is written.
#![allow(unsafe_code)]

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::io;
use std::ops::Range;
use std::ptr::NonNull;
use std::sync::Arc;

use bytes::Bytes;

use crate::io::DIRECT_IO_BYTES;

/// Zeroed memory that begins where direct I/O may.
///
/// PERF: asked for in one piece without an alignment, so that the allocator hands out untouched pages
/// for a large image, and used ones for a small one: mapping each anew doubled the processor time of
/// the crash lab's machines.
struct Image {
    storage: NonNull<u8>,
    layout: Layout,
    start: usize,
    bytes: usize,
}

// SAFETY: the memory belongs to the image alone, whatever thread it is on.
unsafe impl Send for Image {}
// SAFETY: a shared image is only read where it was written, as `ImageWriter` sees to.
unsafe impl Sync for Image {}

impl Image {
    fn new(bytes: usize) -> io::Result<Image> {
        assert!(bytes > 0, "an image has at least one byte");
        let layout = Layout::array::<u8>(bytes + DIRECT_IO_BYTES).map_err(io::Error::other)?;
        // SAFETY: the layout has bytes in it.
        let storage = unsafe { alloc_zeroed(layout) };
        let storage = NonNull::new(storage).ok_or(io::ErrorKind::OutOfMemory)?;
        let address = storage.addr().get();
        let start = address.next_multiple_of(DIRECT_IO_BYTES) - address;
        Ok(Image { storage, layout, start, bytes })
    }

    fn bytes(&self) -> usize {
        self.bytes
    }

    /// Where byte `at` is.
    fn at(&self, at: usize) -> *mut u8 {
        assert!(at <= self.bytes, "an image ends with its last byte");
        // SAFETY: in bounds by the assertion: the storage is longer by as much as `start` can be.
        unsafe { self.storage.as_ptr().add(self.start + at) }
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        // SAFETY: it was allocated in `new`, with this layout, and nobody else gives it back.
        unsafe { dealloc(self.storage.as_ptr(), self.layout) };
    }
}

/// A written part of an image, kept alive by it.
struct Region {
    image: Arc<Image>,
    range: Range<usize>,
}

impl AsRef<[u8]> for Region {
    fn as_ref(&self) -> &[u8] {
        assert!(self.range.end <= self.image.bytes(), "a region lies in its image");
        let start = self.image.at(self.range.start);
        // SAFETY: the bytes are initialised (an image begins as zeros) and frozen: `ImageWriter` never
        // hands out a range twice before `recycle` has seen that no region is left.
        unsafe { std::slice::from_raw_parts(start, self.range.len()) }
    }
}

/// The one writer of an image.
///
/// INVARIANT: bytes at `written..` were never handed out since the image was made or recycled;
/// bytes at `..written` are never written again.
pub struct ImageWriter {
    image: Arc<Image>,
    written: usize,
}

impl ImageWriter {
    /// An image of `bytes` zeros, nothing written.
    pub fn new(bytes: usize) -> io::Result<ImageWriter> {
        Ok(ImageWriter { image: Arc::new(Image::new(bytes)?), written: 0 })
    }

    /// How far it is written.
    #[must_use]
    pub fn written(&self) -> usize {
        self.written
    }

    /// How many bytes are left.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.image.bytes() - self.written
    }

    /// Lets `fill` write the next `bytes` bytes (which hold anything until then), and freezes them.
    pub fn write<T>(&mut self, bytes: usize, fill: impl FnOnce(&mut [u8]) -> T) -> (Bytes, T) {
        assert!(bytes <= self.remaining(), "the caller checked what remains");
        let range = self.written..self.written + bytes;
        let start = self.image.at(range.start);
        // SAFETY: the range begins at `written`, so no region covers it and `&mut self` is its only
        // user; the bytes are initialised because an image begins as zeros.
        let fresh = unsafe { std::slice::from_raw_parts_mut(start, bytes) };
        let told = fill(fresh);
        self.written = range.end;
        let region = Region { image: Arc::clone(&self.image), range };
        (Bytes::from_owner(region), told)
    }

    /// The image empty again, if nobody reads from it any more.
    #[must_use]
    pub fn recycle(mut self) -> Option<ImageWriter> {
        Arc::get_mut(&mut self.image)?;
        self.written = 0;
        Some(self)
    }
}
