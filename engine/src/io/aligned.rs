//! Buffers whose address and length suit direct I/O.

use std::fmt;
use std::ops::{Deref, DerefMut};

use bytes::Bytes;

use super::DIRECT_IO_BYTES;

/// Zeroed memory whose address and length are multiples of [`DIRECT_IO_BYTES`].
///
/// PERF: the memory is asked for in one piece without an alignment, so that the allocator hands
/// out pages of a large buffer untouched; an aligned request would write every page at once.
pub struct AlignedBuffer {
    storage: Box<[u8]>,
    start: usize,
    bytes: usize,
}

impl AlignedBuffer {
    /// A buffer of zeros that holds at least `bytes`: rounded up to whole units.
    #[must_use]
    pub fn zeroed(bytes: usize) -> AlignedBuffer {
        let bytes = bytes.next_multiple_of(DIRECT_IO_BYTES);
        let storage = vec![0; bytes + DIRECT_IO_BYTES].into_boxed_slice();
        let start =
            storage.as_ptr().addr().next_multiple_of(DIRECT_IO_BYTES) - storage.as_ptr().addr();
        AlignedBuffer { storage, start, bytes }
    }

    /// A buffer that begins with `contents`, then zeros to the next whole unit.
    #[must_use]
    pub fn copy_of(contents: &[u8]) -> AlignedBuffer {
        let mut buffer = AlignedBuffer::zeroed(contents.len());
        buffer[..contents.len()].copy_from_slice(contents);
        buffer
    }

    /// The same memory, shared and never written again.
    #[must_use]
    pub fn freeze(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl Deref for AlignedBuffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.storage[self.start..self.start + self.bytes]
    }
}

impl DerefMut for AlignedBuffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.storage[self.start..self.start + self.bytes]
    }
}

impl AsRef<[u8]> for AlignedBuffer {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for AlignedBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AlignedBuffer").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}
