//! The bytes of a record batch, format 2, and its checksum.
//!
//! ```text
//!   base offset i64 | length i32 | leader epoch i32 | magic i8 | CRC-32C u32 | covered by it
//! ```

/// The format's number.
const MAGIC: i8 = 2;
/// Bytes between the length and what the checksum covers: epoch, magic, checksum.
const UNCOVERED_BYTES: usize = 4 + 1 + 4;
/// Where there is no epoch, sequence, key or producer.
const NONE: i8 = -1;

/// Records with these values, without keys, uncompressed. They have no timestamp: an old one could
/// have the broker expire them.
pub(super) fn batch(values: &[Vec<u8>]) -> Vec<u8> {
    let mut covered = Vec::new();
    let last = length(values.len() - 1);
    covered.extend_from_slice(&0i16.to_be_bytes()); // attributes
    covered.extend_from_slice(&last.to_be_bytes());
    covered.extend_from_slice(&i64::from(NONE).to_be_bytes()); // first timestamp
    covered.extend_from_slice(&i64::from(NONE).to_be_bytes()); // latest timestamp
    covered.extend_from_slice(&i64::from(NONE).to_be_bytes()); // producer: not idempotent, so that
    covered.extend_from_slice(&i16::from(NONE).to_be_bytes()); // bytes may be sent again
    covered.extend_from_slice(&i32::from(NONE).to_be_bytes());
    covered.extend_from_slice(&(last + 1).to_be_bytes());
    for (offset, value) in (0..).zip(values) {
        record(offset, value, &mut covered);
    }

    let mut batch = Vec::with_capacity(covered.len() + 8 + 4 + UNCOVERED_BYTES);
    batch.extend_from_slice(&0i64.to_be_bytes()); // the broker sets the offset
    batch.extend_from_slice(&length(UNCOVERED_BYTES + covered.len()).to_be_bytes());
    batch.extend_from_slice(&i32::from(NONE).to_be_bytes());
    batch.extend_from_slice(&MAGIC.to_be_bytes());
    batch.extend_from_slice(&crc32c(&covered).to_be_bytes());
    batch.extend_from_slice(&covered);
    batch
}

/// A length behind attributes, distance to the first timestamp, offset in the batch, key, value and
/// the number of headers.
fn record(offset: i64, value: &[u8], out: &mut Vec<u8>) {
    let mut record = vec![0, 0];
    varint(offset, &mut record);
    varint(NONE.into(), &mut record);
    varint(length(value.len()).into(), &mut record);
    record.extend_from_slice(value);
    record.push(0);
    varint(length(record.len()).into(), out);
    out.extend_from_slice(&record);
}

/// Seven bits a byte, the least first; numbers near zero are short, whatever their sign.
pub(super) fn varint(number: i64, out: &mut Vec<u8>) {
    let mut rest = ((number << 1) ^ (number >> 63)).cast_unsigned();
    while rest >= 0x80 {
        out.push(rest.to_le_bytes()[0] | 0x80);
        rest >>= 7;
    }
    out.push(rest.to_le_bytes()[0]);
}

/// Bit by bit: it runs before the clock does, over a few megabytes.
pub(super) fn crc32c(bytes: &[u8]) -> u32 {
    const REVERSED_POLYNOMIAL: u32 = 0x82F6_3B78;
    let shift = |crc: u32| (crc >> 1) ^ (REVERSED_POLYNOMIAL & (crc & 1).wrapping_neg());
    let add = |crc, byte: &u8| (0..8).fold(crc ^ u32::from(*byte), |crc, _| shift(crc));
    !bytes.iter().fold(!0, add)
}

/// As the protocol has lengths.
pub(super) fn length(bytes: usize) -> i32 {
    i32::try_from(bytes).expect("requests here are below a megabyte")
}
