//! Journal file headers: one copy, and the choice between two.

use flowstone_engine::io::DIRECT_IO_BYTES;
use flowstone_engine::journal::header::{COMMITS_BEGIN, FILE_HEADER_BYTES, FileHeader};
use flowstone_engine::types::{FileSeq, JournalPosition, Salt, Timestamp};

use crate::fuzz::forge;

/// Decodes `data` as both copies, as they are and with their checksums made good.
pub fn body(data: &[u8]) {
    let (first, second) = data.split_at(data.len().min(FILE_HEADER_BYTES));
    let mut block = vec![0; COMMITS_BEGIN];
    block[..first.len()].copy_from_slice(first);
    let length = second.len().min(FILE_HEADER_BYTES);
    block[DIRECT_IO_BYTES..DIRECT_IO_BYTES + length].copy_from_slice(&second[..length]);
    let _ = FileHeader::decode_either(data);
    check(&block);
    forge::file_headers(&mut block);
    check(&block);
}

fn check(block: &[u8]) {
    if let Ok(header) = FileHeader::decode(block) {
        assert_eq!(FileHeader::decode(&header.encode()), Ok(header));
    }
    if let Ok((header, is_whole)) = FileHeader::decode_either(block) {
        let copies = [FileHeader::decode(block), FileHeader::decode(&block[DIRECT_IO_BYTES..])];
        assert!(copies.contains(&Ok(header)), "a header comes from one of the copies");
        assert!(!is_whole || copies[0] == copies[1], "whole is said of equal copies only");
        let mut again = vec![1; COMMITS_BEGIN];
        header.encode_into(&mut again);
        assert_eq!(FileHeader::decode_either(&again), Ok((header, true)));
    }
}

/// Two equal copies, and two that differ.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let header = |file| FileHeader {
        salt: Salt(9),
        file: FileSeq(file),
        file_bytes: 65_536,
        previous_end: JournalPosition::new(FileSeq(file - 1), 12_288),
        began: Timestamp(1_700_000_000_000),
    };
    let pair = |a, b| [header(a).encode(), header(b).encode()].concat();
    vec![pair(3, 3), pair(3, 4)]
}
