//! The standard seek table at the end of the file: what makes it a file of zstd's seekable format.

use crate::segment::summary::Block;

/// Magic number of the skippable frame that holds the table.
const TABLE_MAGIC: u32 = 0x184D_2A5E;
/// The file's last four bytes.
const SEEKABLE_MAGIC: u32 = 0x8F92_EAB1;
/// Descriptor: entries without checksums.
const DESCRIPTOR: u8 = 0;
/// Bytes of a skippable frame before its content.
pub(super) const SKIPPABLE_HEADER_BYTES: usize = 8;
const ENTRY_BYTES: usize = 8;
/// Number of entries, descriptor, magic.
const TABLE_FOOTER_BYTES: usize = 9;

/// The table of `blocks` and of a footer frame of `footer_bytes` bytes.
pub(super) fn encode(blocks: impl Iterator<Item = Block>, footer_bytes: u32) -> Vec<u8> {
    let mut entries = Vec::new();
    for block in blocks {
        entries.extend_from_slice(&block.compressed_bytes.to_le_bytes());
        entries.extend_from_slice(&block.raw_bytes.to_le_bytes());
    }
    entries.extend_from_slice(&footer_bytes.to_le_bytes());
    entries.extend_from_slice(&0u32.to_le_bytes());

    let length = |bytes: usize| u32::try_from(bytes).expect("bounded by FOOTER_BYTES_MAX");
    let mut table = Vec::with_capacity(SKIPPABLE_HEADER_BYTES + entries.len() + 9);
    table.extend_from_slice(&TABLE_MAGIC.to_le_bytes());
    table.extend_from_slice(&length(entries.len() + TABLE_FOOTER_BYTES).to_le_bytes());
    table.extend_from_slice(&entries);
    table.extend_from_slice(&length(entries.len() / ENTRY_BYTES).to_le_bytes());
    table.push(DESCRIPTOR);
    table.extend_from_slice(&SEEKABLE_MAGIC.to_le_bytes());
    table
}

/// Where the table at the end of `file` starts; `None` when there is none.
pub(super) fn locate(file: &[u8]) -> Option<usize> {
    let (_, tail) = file.split_last_chunk::<TABLE_FOOTER_BYTES>()?;
    let [n0, n1, n2, n3, descriptor, magic @ ..] = *tail;
    if u32::from_le_bytes(magic) != SEEKABLE_MAGIC || descriptor != DESCRIPTOR {
        return None;
    }
    let entries = u32::from_le_bytes([n0, n1, n2, n3]) as usize;
    let bytes = entries.checked_mul(ENTRY_BYTES)?.checked_add(TABLE_FOOTER_BYTES)?;
    file.len().checked_sub(bytes.checked_add(SKIPPABLE_HEADER_BYTES)?)
}
