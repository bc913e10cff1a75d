//! A block's bytes to one zstd frame and back.

use std::cell::RefCell;
use std::io;

use bytes::Bytes;
use zstd::bulk::{Compressor, Decompressor};

/// Level 1: at 256 KiB a block the higher ones cost several times the CPU for a few per cent.
const ZSTD_LEVEL: i32 = 1;
/// A zstd frame's magic number.
const ZSTD_MAGIC: u32 = 0xFD2F_B528;
/// Frame header descriptor: the content size follows in 4 bytes, and it is the window.
const STORED_DESCRIPTOR: u8 = 0b1010_0000;
/// The most that one zstd block holds.
const STORED_BLOCK_BYTES_MAX: usize = 128 * 1024;

/// How blocks are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// As they are, in zstd frames of uncompressed blocks: at the speed of a copy.
    Stored,
    /// Compressed.
    Zstd,
}

/// Makes zstd frames, with one context for all of them.
pub(super) struct Encoder {
    compressor: Option<Compressor<'static>>,
}

impl Encoder {
    pub(super) fn new(compression: Compression) -> io::Result<Encoder> {
        let compressor = match compression {
            Compression::Stored => None,
            Compression::Zstd => Some(Compressor::new(ZSTD_LEVEL)?),
        };
        Ok(Encoder { compressor })
    }

    /// Replaces what is in `out` by one zstd frame of `raw`.
    pub(super) fn encode(&mut self, raw: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        out.clear();
        match &mut self.compressor {
            None => store(raw, out),
            Some(compressor) => {
                out.reserve(zstd::zstd_safe::compress_bound(raw.len()));
                compressor.compress_to_buffer(raw, out)?;
            }
        }
        Ok(())
    }
}

fn store(raw: &[u8], out: &mut Vec<u8>) {
    let raw_bytes = u32::try_from(raw.len()).expect("blocks are bounded by BLOCK_BYTES_MAX");
    out.extend_from_slice(&ZSTD_MAGIC.to_le_bytes());
    out.push(STORED_DESCRIPTOR);
    out.extend_from_slice(&raw_bytes.to_le_bytes());
    let mut parts = raw.chunks(STORED_BLOCK_BYTES_MAX).peekable();
    while let Some(part) = parts.next() {
        let is_last = u32::from(parts.peek().is_none());
        let length = u32::try_from(part.len()).expect("at most STORED_BLOCK_BYTES_MAX");
        // Three bytes: bit 0 last, bits 1-2 type (0 raw), then the length.
        out.extend_from_slice(&(is_last | length << 3).to_le_bytes()[..3]);
        out.extend_from_slice(part);
    }
}

thread_local! {
    /// PERF: making a context costs more than decompressing a small block.
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// The `raw_bytes` bytes that `compressed` holds; the caller has compared the number to its limit.
pub(super) fn decode(compressed: &[u8], raw_bytes: u32) -> io::Result<Bytes> {
    let mut raw = Vec::with_capacity(raw_bytes as usize);
    DECOMPRESSOR.with_borrow_mut(|slot| {
        let decompressor = match slot {
            Some(decompressor) => decompressor,
            None => slot.insert(Decompressor::new()?),
        };
        decompressor.decompress_to_buffer(compressed, &mut raw)
    })?;
    if raw.len() != raw_bytes as usize {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "decompressed length is wrong"));
    }
    Ok(Bytes::from(raw))
}
