//! The limits as numbers: on-disk formats, options and documentation count on them.

use super::*;

#[test]
fn limits_are_the_numbers_that_are_promised() {
    assert_eq!(PAYLOAD_BYTES_MAX, 67_108_864);
    assert_eq!(KEY_BYTES_MAX, 4096);
    assert_eq!(BATCH_RECORDS_MAX, 1_048_576);
    assert_eq!(COMMIT_BYTES_MAX, 4_194_304);
    assert_eq!((COMMITS_IN_FLIGHT_MAX, SMALL_COMMITS_IN_FLIGHT_MAX), (4, 2));
    assert_eq!(GATHER_BYTES, 65_536);
    assert_eq!(JOURNAL_FILE_BYTES, 100_663_296);
    assert_eq!(JOURNAL_FILE_BYTES_MIN, 65_536);
    assert_eq!(JOURNAL_FILE_BYTES_MAX, 1_073_741_824);
    assert_eq!(JOURNAL_FILES_MAX, 12);
    assert_eq!(PENDING_BYTES_MAX, 134_217_728);
    assert_eq!(BLOCK_BYTES, 262_144);
    assert_eq!(BLOCK_CACHE_BYTES, 134_217_728);
    assert_eq!(SEGMENT_BYTES_MAX, 536_870_912);
    assert_eq!(CATALOG_VALUE_BYTES_MAX, 16_777_216);
    assert_eq!(CATALOG_RESERVE_BYTES_MIN, 4_194_304);
    assert_eq!(CATALOG_CACHE_BYTES, 16_777_216);
    assert_eq!(CATALOG_SCAN_ROWS_MAX, 1_000_000);
    assert_eq!(BLOCK_BYTES_MAX, 67_108_960);
    assert_eq!(FOOTER_BYTES_MAX, 67_108_864);
}

#[test]
fn journal_files_suit_the_memory() {
    const GIB: u64 = 1 << 30;
    let files = [0, GIB, 8 * GIB, 24 * GIB, u64::MAX]
        .map(|memory_bytes| journal_files_for(memory_bytes, JOURNAL_FILE_BYTES));
    assert_eq!(files, [4, 4, 5, 12, 12]);
    assert_eq!(journal_files_for(24 * GIB, JOURNAL_FILE_BYTES_MAX), 4);
}
