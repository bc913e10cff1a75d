//! The memory that mirrors a journal file: written once from front to back by its one owner, read
//! by many as soon as it is written.
#![allow(unsafe_code)]

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use memmap2::{MmapOptions, MmapRaw};

/// Anonymous memory: aligned to pages, and it costs nothing until it is touched.
struct Image {
    memory: MmapRaw,
}

impl Image {
    fn new(bytes: usize) -> std::io::Result<Image> {
        assert!(bytes > 0, "an image has at least one byte");
        let memory = MmapOptions::new().len(bytes).map_anon()?;
        Ok(Image { memory: memory.into() })
    }

    fn bytes(&self) -> usize {
        self.memory.len()
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
        // SAFETY: in bounds by the assertion.
        let start = unsafe { self.image.memory.as_mut_ptr().add(self.range.start) };
        // SAFETY: the bytes are initialised (anonymous memory is zero) and frozen: `ImageWriter` never
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
    pub fn new(bytes: usize) -> std::io::Result<ImageWriter> {
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
        // SAFETY: in bounds by the assertion.
        let start = unsafe { self.image.memory.as_mut_ptr().add(range.start) };
        // SAFETY: the range begins at `written`, so no region covers it and `&mut self` is its only
        // user; the bytes are initialised because anonymous memory is zero.
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
