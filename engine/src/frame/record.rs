//! The layout of a record in a payload, and walking it.
//!
//! | offset | bytes | field |
//! |--------|-------|-------|
//! | 0      | 4     | data length, little-endian |
//! | 4      | 2     | key length |
//! | 6      | 2     | flags, 0 |
//! | 8      | ...   | key, then data, without padding |

/// Bytes before a record's key.
pub const RECORD_HEADER_BYTES: usize = 8;

/// What a client put, borrowed from the payload that holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// The key that routed it.
    pub key: &'a [u8],
    /// The data.
    pub data: &'a [u8],
}

impl Record<'_> {
    /// Bytes that the record takes in a payload.
    #[must_use]
    pub fn encoded_bytes(&self) -> usize {
        RECORD_HEADER_BYTES + self.key.len() + self.data.len()
    }
}

/// The record at the head of `payload`, and the rest; `None` when the lengths do not fit.
pub(super) fn split_first(payload: &[u8]) -> Option<(Record<'_>, &[u8])> {
    let (lengths, rest) = payload.split_first_chunk::<RECORD_HEADER_BYTES>()?;
    let data_bytes = u32::from_le_bytes([lengths[0], lengths[1], lengths[2], lengths[3]]) as usize;
    let key_bytes = usize::from(u16::from_le_bytes([lengths[4], lengths[5]]));
    if lengths[6] != 0 || lengths[7] != 0 {
        return None;
    }
    let (key, rest) = rest.split_at_checked(key_bytes)?;
    let (data, rest) = rest.split_at_checked(data_bytes)?;
    Some((Record { key, data }, rest))
}

/// Appends a record's lengths and key to `payload`; the data is to follow.
pub(super) fn begin(payload: &mut Vec<u8>, key: &[u8], data_bytes: u32) {
    let key_bytes = u16::try_from(key.len()).expect("the builder checked the key's length");
    payload.extend_from_slice(&data_bytes.to_le_bytes());
    payload.extend_from_slice(&key_bytes.to_le_bytes());
    payload.extend_from_slice(&[0, 0]);
    payload.extend_from_slice(key);
}

/// Whether `payload` is exactly `count` records.
pub(super) fn is_well_formed(payload: &[u8], count: u32) -> bool {
    let mut rest = payload;
    for _ in 0..count {
        match split_first(rest) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.is_empty()
}

/// Walks the records of a payload.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    rest: &'a [u8],
}

impl<'a> Records<'a> {
    /// The records of `payload`; ends early at bytes that are no record.
    #[must_use]
    pub fn new(payload: &'a [u8]) -> Records<'a> {
        Records { rest: payload }
    }

    /// The bytes not walked yet.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        let (record, rest) = split_first(self.rest)?;
        self.rest = rest;
        Some(record)
    }
}
