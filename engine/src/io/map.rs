//! Read-only maps of immutable files, and surviving a read error under one.

/// The bytes of an immutable file.
#[derive(Debug)]
pub struct Map {
    bytes: bytes::Bytes,
}

impl std::ops::Deref for Map {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}
