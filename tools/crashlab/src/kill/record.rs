//! Records that say who wrote them, and whose bytes can be checked.
//!
//! | offset | bytes | field |
//! |--------|-------|-------|
//! | 0      | 4     | writer |
//! | 4      | 8     | number: a writer's first record has 1, and none has the number of another |
//! | 12     | 4     | CRC-32 of all but these four bytes |
//! | 16     | ...   | filler that follows from writer and number |

use crate::random::Random;

const HEADER_BYTES: usize = 16;
/// Keys that records have.
const KEYS: u64 = 1000;

/// Which record this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name {
    /// Who wrote it.
    pub writer: u32,
    /// Which of the writer's it is, in the order in which they were sent.
    pub number: u64,
}

/// Which of the keys record `name` has.
#[must_use]
pub fn key_of(name: Name) -> u64 {
    Random::new(u64::from(name.writer) << 32 ^ name.number).below(KEYS)
}

/// The partition key of record `name`.
#[must_use]
pub fn partition_key(name: Name) -> String {
    format!("key-{}", key_of(name))
}

/// The data of record `name`, with `filler_bytes` of filler.
#[must_use]
pub fn encode(name: Name, filler_bytes: usize) -> Vec<u8> {
    let mut data = vec![0; HEADER_BYTES];
    data[0..4].copy_from_slice(&name.writer.to_le_bytes());
    data[4..12].copy_from_slice(&name.number.to_le_bytes());
    let mut random = Random::new(u64::from(name.writer) << 40 ^ name.number);
    while data.len() < HEADER_BYTES + filler_bytes {
        data.extend_from_slice(&random.bits().to_le_bytes());
    }
    data.truncate(HEADER_BYTES + filler_bytes);
    let checksum = checksum_of(&data);
    data[12..16].copy_from_slice(&checksum.to_le_bytes());
    data
}

/// Which record `data` is; `None` when a byte of it is not as it was.
#[must_use]
pub fn decode(data: &[u8]) -> Option<Name> {
    let (header, _) = data.split_first_chunk::<HEADER_BYTES>()?;
    let stored = u32::from_le_bytes(header[12..16].try_into().ok()?);
    if stored != checksum_of(data) {
        return None;
    }
    let writer = u32::from_le_bytes(header[0..4].try_into().ok()?);
    let number = u64::from_le_bytes(header[4..12].try_into().ok()?);
    Some(Name { writer, number })
}

/// Which record was read as `key` and `data` in base64; `None` when a byte is not as it was.
#[must_use]
pub fn decode_read(key: &str, data: &str) -> Option<Name> {
    let data = base64_simd::STANDARD.decode_to_vec(data.as_bytes()).ok()?;
    decode(&data).filter(|name| partition_key(*name) == key)
}

fn checksum_of(data: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&data[..12]);
    hasher.update(&data[HEADER_BYTES..]);
    hasher.finalize()
}
