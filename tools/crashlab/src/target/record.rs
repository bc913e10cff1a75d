//! Records whose every byte follows from their number: `<number>-<checksum>-<filler>`.

use crate::random::Random;

/// Filler of a record at most, in bytes; one in [`LARGE_EVERY`] has up to [`LARGE_BYTES_MAX`].
const FILLER_BYTES_MAX: u64 = 700;
/// One record in so many is large.
const LARGE_EVERY: u64 = 100;
/// Filler of a large record at most, in bytes.
const LARGE_BYTES_MAX: u64 = 40_000;

/// Text without blanks, never the same for two numbers or two salts.
pub(super) fn encode(salt: u64, number: u64) -> String {
    let mut random = Random::new(salt ^ number.wrapping_mul(0xA24B_AED4_963E_E407));
    let is_large = random.below(LARGE_EVERY) == 0;
    let bytes = random.below(if is_large { LARGE_BYTES_MAX } else { FILLER_BYTES_MAX });
    let mut filler = String::new();
    while (filler.len() as u64) < bytes {
        filler.push_str(&format!("{:x}", random.bits()));
    }
    let check = crc32fast::hash(filler.as_bytes()) ^ crc32fast::hash(&number.to_le_bytes());
    format!("{number}-{check:08x}-{filler}")
}

/// The number that `data` says it has.
pub(super) fn number_of(data: &str) -> Option<u64> {
    data.split('-').next()?.parse().ok()
}
