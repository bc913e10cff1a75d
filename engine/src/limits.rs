//! Every bound of the engine, named, with its unit and the reason for its size.

/// One kibibyte.
const KIB: usize = 1024;
/// One mebibyte.
const MIB: usize = 1024 * KIB;

/// Bytes of payload in one append: room for a video fragment.
pub const PAYLOAD_BYTES_MAX: usize = 64 * MIB;

/// Bytes of a record's key. A Kinesis partition key has at most 256 characters.
pub const KEY_BYTES_MAX: usize = 4 * KIB;

/// Records in one append.
pub const BATCH_RECORDS_MAX: usize = 1 << 20;

/// Bytes of one commit, unless a single append is larger. Bounds how long a small append waits
/// behind large ones: 4 MiB take about 5 ms on the disks that we measured.
pub const COMMIT_BYTES_MAX: usize = 4 * MIB;

/// Commits in flight on one journal file.
pub const COMMITS_IN_FLIGHT_MAX: u32 = 4;

/// Commits in flight while fewer than [`GATHER_BYTES`] wait: a commit costs the processor about as
/// much as ten small appends, so that small ones had better share one. Two keep the disk busy.
pub const SMALL_COMMITS_IN_FLIGHT_MAX: usize = 2;

/// Bytes of payload from which on appends are worth a commit of their own.
pub const GATHER_BYTES: usize = 64 * KIB;

/// Bytes of one journal file: the largest append, its header and room to share.
pub const JOURNAL_FILE_BYTES: usize = 96 * MIB;

/// The smallest journal file that options may ask for (tests use small ones).
pub const JOURNAL_FILE_BYTES_MIN: usize = 64 * KIB;

/// The largest journal file: offsets in it are `u32`.
pub const JOURNAL_FILE_BYTES_MAX: usize = 1024 * MIB;

/// Journal files in use, sealed ones not counted. With [`JOURNAL_FILE_BYTES`] it bounds what lives
/// in memory, and what recovery reads, to 1,152 MiB: a burst of half of that waits for no sealing.
pub const JOURNAL_FILES_MAX: usize = 12;

/// As many as there are wherever memory is short.
pub const JOURNAL_FILES_MIN: usize = 4;

/// The share of a machine's memory that mirrors of journal files may take: one part of so many.
pub const JOURNAL_MEMORY_PART: u64 = 16;

/// How many journal files of `file_bytes` bytes suit a machine with `memory_bytes` of memory.
#[must_use]
pub fn journal_files_for(memory_bytes: u64, file_bytes: usize) -> usize {
    let fitting = memory_bytes / JOURNAL_MEMORY_PART / (file_bytes.max(1) as u64);
    usize::try_from(fitting).unwrap_or(usize::MAX).clamp(JOURNAL_FILES_MIN, JOURNAL_FILES_MAX)
}

/// Bytes of appends that wait for their commit. Appends beyond wait for room.
pub const PENDING_BYTES_MAX: usize = 2 * PAYLOAD_BYTES_MAX;

/// Shard logs on one node.
pub const SHARDS_MAX: usize = 100_000;

/// Bytes of a block before compression: the unit of random access in a segment. A larger frame
/// has a block to itself.
pub const BLOCK_BYTES: usize = 256 * KIB;

/// Bytes of decompressed blocks that all readers share.
pub const BLOCK_CACHE_BYTES: usize = 128 * MIB;

/// Bytes of data before compression in one segment made by compaction.
pub const SEGMENT_BYTES_MAX: usize = 512 * MIB;

/// Milliseconds without a commit after which the journal writes an idle marker.
pub const IDLE_MARKER_AFTER_MS: u64 = 50;

/// Bytes of one value in the catalog.
pub const CATALOG_VALUE_BYTES_MAX: usize = 16 * MIB;

/// Bytes of the file that keeps room for the catalog on a full disk. When the catalog is larger,
/// the reserve is as large as the catalog: its file grows by doubling.
pub const CATALOG_RESERVE_BYTES_MIN: u64 = 4 * MIB as u64;

/// Bytes of catalog pages cached in memory.
pub const CATALOG_CACHE_BYTES: usize = 16 * MIB;

/// Rows of one catalog table that one scan returns: ten times the shard logs on a node.
pub const CATALOG_SCAN_ROWS_MAX: usize = 10 * SHARDS_MAX;

/// Bytes of a block before compression at most: the largest frame alone.
pub const BLOCK_BYTES_MAX: usize = PAYLOAD_BYTES_MAX + 96;

/// Bytes of a segment's footer at most. A fresh segment of every shard of a node needs 7 MiB.
pub const FOOTER_BYTES_MAX: usize = 64 * MIB;

#[cfg(test)]
mod tests;
