//! The heads of items, written and taken apart.

/// Major type of whole numbers.
pub(in crate::wire) const UNSIGNED: u8 = 0x00;

/// Major type of byte strings.
pub(in crate::wire) const BYTES: u8 = 0x40;

/// Major type of text strings.
pub(in crate::wire) const TEXT: u8 = 0x60;

/// A list that ends with [`BREAK`].
pub(in crate::wire) const LIST_OPEN: u8 = 0x9f;

/// A map that ends with [`BREAK`].
pub(in crate::wire) const MAP_OPEN: u8 = 0xbf;

/// Tag 1: a time since 1970. The number behind it is in milliseconds here, not in seconds.
pub(in crate::wire) const TIME: u8 = 0xc1;

/// False.
pub(in crate::wire) const FALSE: u8 = 0xf4;

/// True.
pub(in crate::wire) const TRUE: u8 = 0xf5;

/// The end of a list or map of indefinite length.
pub(in crate::wire) const BREAK: u8 = 0xff;

/// Writes the head of an item of type `major` with argument `value`, in its shortest form.
pub(in crate::wire) fn write_head(out: &mut Vec<u8>, major: u8, value: u64) {
    let bytes = value.to_be_bytes();
    match value {
        0..24 => out.push(major | bytes[7]),
        24..=0xff => out.extend_from_slice(&[major | 24, bytes[7]]),
        0x100..=0xffff => {
            out.push(major | 25);
            out.extend_from_slice(&bytes[6..]);
        }
        0x1_0000..=0xffff_ffff => {
            out.push(major | 26);
            out.extend_from_slice(&bytes[4..]);
        }
        _ => {
            out.push(major | 27);
            out.extend_from_slice(&bytes);
        }
    }
}

/// Major type of whole numbers below zero.
pub(in crate::wire) const NEGATIVE: u8 = 0x20;

/// Major type of lists.
pub(in crate::wire) const LIST: u8 = 0x80;

/// Major type of maps.
pub(in crate::wire) const MAP: u8 = 0xa0;

/// Major type of tags.
pub(in crate::wire) const TAG: u8 = 0xc0;

/// Major type of floats, and of values without content.
pub(in crate::wire) const SIMPLE: u8 = 0xe0;

/// The head of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::wire) struct Head {
    /// The major type, in the three high bits.
    pub(in crate::wire) major: u8,
    /// How the argument is given, in the five low bits.
    pub(in crate::wire) info: u8,
    /// The argument; `None` for an indefinite length, or a break.
    pub(in crate::wire) value: Option<u64>,
}

/// Takes a head off `rest`. `None` is no head, or one that is cut short.
pub(in crate::wire) fn take_head(rest: &mut &[u8]) -> Option<Head> {
    let (first, more) = rest.split_first()?;
    let (major, info) = (first & 0xe0, first & 0x1f);
    let argument_bytes = match info {
        0..24 => 0,
        24..=27 => 1 << (info - 24),
        28..=30 => return None,
        _ => {
            *rest = more;
            return Some(Head { major, info, value: None });
        }
    };
    let (argument, more) = more.split_at_checked(argument_bytes)?;
    let number = argument.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
    *rest = more;
    let value = if argument_bytes == 0 { info.into() } else { number };
    Some(Head { major, info, value: Some(value) })
}
