//! Edits to valid bytes, as an input says: the way to what lies behind magic numbers and lengths.

use crate::fuzz::input::Input;

/// Edits that one input makes.
const EDITS_MAX: usize = 32;

/// Bytes that an edit may add to a file.
const INSERT_BYTES_MAX: usize = 64;

/// Numbers at which arithmetic goes wrong.
pub const INTERESTING: [u64; 12] = [
    0,
    1,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0xffff,
    0x7fff_ffff,
    0xffff_ffff,
    0x7fff_ffff_ffff_ffff,
    0xffff_ffff_ffff_fff0,
    u64::MAX,
];

/// Edits `bytes` until the input ends.
pub fn edit(bytes: &mut Vec<u8>, input: &mut Input<'_>) {
    for _ in 0..EDITS_MAX {
        if input.is_empty() {
            return;
        }
        edit_once(bytes, input);
    }
}

/// One edit.
pub fn edit_once(bytes: &mut Vec<u8>, input: &mut Input<'_>) {
    let operation = input.byte();
    let at = input.below(bytes.len() + 1);
    match operation % 8 {
        0 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << (input.byte() % 8);
            }
        }
        1 => {
            let count = usize::from(input.byte() % 16);
            overwrite(bytes, at, input.bytes(count));
        }
        2 => {
            let number = INTERESTING[usize::from(input.byte()) % INTERESTING.len()];
            let width = 1 << (operation / 8 % 4);
            overwrite(bytes, at, &number.to_le_bytes()[..width]);
        }
        3 => {
            let end = at.saturating_add(input.below(8192)).min(bytes.len());
            bytes[at..end].fill(0);
        }
        4 => {
            let from = input.below(bytes.len() + 1);
            let end = from.saturating_add(input.below(8192)).min(bytes.len());
            let part = bytes[from..end].to_vec();
            overwrite(bytes, at, &part);
        }
        5 => bytes.truncate(at),
        6 => {
            let count = usize::from(input.byte()) % INSERT_BYTES_MAX;
            let part = input.bytes(count);
            bytes.splice(at..at, part.iter().copied());
        }
        _ => {
            let end = at.saturating_add(usize::from(input.byte())).min(bytes.len());
            bytes.drain(at..end);
        }
    }
}

/// Writes `part` over what is at `at`, as far as there is something.
fn overwrite(bytes: &mut [u8], at: usize, part: &[u8]) {
    let end = at.saturating_add(part.len()).min(bytes.len());
    bytes[at..end].copy_from_slice(&part[..end - at]);
}
