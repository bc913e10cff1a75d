//! The memory that mirrors a journal file: written once from front to back by its one owner, read
//! by many as soon as it is written.
#![allow(unsafe_code)]

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::ops::Range;
use std::ptr::NonNull;
use std::sync::Arc;

use bytes::Bytes;

use crate::io::DIRECT_IO_BYTES;

/// The allocation. Fresh memory costs nothing until it is touched.
struct Image {
    start: NonNull<u8>,
    bytes: usize,
}

// SAFETY: `Image` is a plain allocation without thread affinity.
unsafe impl Send for Image {}
// SAFETY: shared access goes through `Region`, which covers only bytes that no writer will touch
// again (see `ImageWriter::write`).
unsafe impl Sync for Image {}

impl Image {
    fn layout(bytes: usize) -> Layout {
        Layout::from_size_align(bytes, DIRECT_IO_BYTES).expect("journal file sizes are bounded")
    }

    fn new(bytes: usize) -> Image {
        assert!(bytes > 0, "an image has at least one byte");
        let layout = Image::layout(bytes);
        // SAFETY: the layout's size is not zero.
        let start = unsafe { alloc_zeroed(layout) };
        let Some(start) = NonNull::new(start) else { handle_alloc_error(layout) };
        Image { start, bytes }
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        // SAFETY: allocated in `new` with the same layout, and nobody refers to it any more.
        unsafe { dealloc(self.start.as_ptr(), Image::layout(self.bytes)) }
    }
}

/// A written part of an image, kept alive by it.
struct Region {
    image: Arc<Image>,
    range: Range<usize>,
}

impl AsRef<[u8]> for Region {
    fn as_ref(&self) -> &[u8] {
        assert!(self.range.end <= self.image.bytes, "a region lies in its image");
        // SAFETY: in bounds by the assertion.
        let start = unsafe { self.image.start.as_ptr().add(self.range.start) };
        // SAFETY: the bytes are initialised (allocated zeroed) and frozen: `ImageWriter` never
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
    #[must_use]
    pub fn new(bytes: usize) -> ImageWriter {
        ImageWriter { image: Arc::new(Image::new(bytes)), written: 0 }
    }

    /// How far it is written.
    #[must_use]
    pub fn written(&self) -> usize {
        self.written
    }

    /// How many bytes are left.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.image.bytes - self.written
    }

    /// Lets `fill` write the next `bytes` bytes (which hold anything until then), and freezes them.
    pub fn write<T>(&mut self, bytes: usize, fill: impl FnOnce(&mut [u8]) -> T) -> (Bytes, T) {
        assert!(bytes <= self.remaining(), "the caller checked what remains");
        let range = self.written..self.written + bytes;
        // SAFETY: in bounds by the assertion.
        let start = unsafe { self.image.start.as_ptr().add(range.start) };
        // SAFETY: the range begins at `written`, so no region covers it and `&mut self` is its only
        // user; the bytes are initialised because the allocation was zeroed.
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
