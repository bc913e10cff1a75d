//! Sequence numbers in the service's own layout: a 186-bit number, printed in decimal.
//!
//! | hex digits | bits     | field |
//! |------------|----------|-------|
//! | 1          | 184..188 | 2 |
//! | 9          | 148..184 | shard create time, seconds |
//! | 1          | 144..148 | low nibble of the shard's index |
//! | 16         | 80..144  | counter, top bit clear |
//! | 2          | 72..80   | 0 |
//! | 9          | 36..72   | record time, seconds |
//! | 8          | 4..36    | shard index |
//! | 1          | 0..4     | 2, the layout's version |
//!
//! The engine's sequence number `n` is counter `n + 1`: counter 0 is the shard's
//! `StartingSequenceNumber`, which is no record's.
//!
//! **Invariant** in one shard, numbers grow with the counter whatever the clock does: the counter
//! stands above the record time. All numbers have 56 digits.

use std::fmt;

use flowstone_engine::types::SeqNo;

/// Seconds that the layout holds: the service refuses later ones.
const SECONDS_MAX: u64 = 16_025_175_000;

/// The counter of a closed shard's `EndingSequenceNumber`.
pub const COUNTER_MAX: u64 = 0x7fff_ffff_ffff_ffff;

/// The largest chunk of decimal digits that a word holds.
const CHUNK: u64 = 10_000_000_000_000_000_000;
const CHUNK_DIGITS: usize = 19;

/// A sequence number taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SequenceNumber {
    /// When the shard was made, in seconds since 1970.
    pub shard_created_s: u64,
    /// The shard's index in its stream.
    pub shard_index: u32,
    /// The record's place in its shard, from 1; 0 for the place before all records.
    pub counter: u64,
    /// When the record arrived, in seconds since 1970.
    pub record_s: u64,
}

/// What a well-formed number turns out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// A number of the layout in use.
    Current(SequenceNumber),
    /// A number of an older layout, which no shard of this server has.
    Older {
        /// The shard index that it carries.
        shard_index: u32,
    },
}

impl SequenceNumber {
    /// The number of record `seq`.
    #[must_use]
    pub fn of_record(shard_created_s: u64, shard_index: u32, seq: SeqNo, record_s: u64) -> Self {
        let counter = seq.0.saturating_add(1).min(COUNTER_MAX);
        SequenceNumber { shard_created_s, shard_index, counter, record_s }
    }

    /// The number before all records of a shard.
    #[must_use]
    pub fn starting(shard_created_s: u64, shard_index: u32) -> Self {
        SequenceNumber { shard_created_s, shard_index, counter: 0, record_s: shard_created_s }
    }

    /// The number behind all records of a shard that was closed at `closed_s`.
    #[must_use]
    pub fn ending(shard_created_s: u64, shard_index: u32, closed_s: u64) -> Self {
        SequenceNumber { shard_created_s, shard_index, counter: COUNTER_MAX, record_s: closed_s }
    }

    /// The engine's number of this record, or of the first one when this is the starting number.
    #[must_use]
    pub fn at(&self) -> SeqNo {
        SeqNo(self.counter.saturating_sub(1))
    }

    /// The engine's number of the record behind this.
    #[must_use]
    pub fn after(&self) -> SeqNo {
        SeqNo(self.counter)
    }

    /// The number that `text`, a decimal number, stands for; `None` when it stands for none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Parsed> {
        let mut number = Wide::parse(text)?;
        // Numbers below 2^124 get 2^124 added, as the service does.
        if number.0[2] == 0 && number.0[1] >> 60 == 0 {
            number.0[1] |= 1 << 60;
        }
        let hex_digits = number.hex_digits();
        // The older layouts begin at the number's first hex digit, wherever that is.
        let from_top = |skip: u32, digits: u32| {
            hex_digits.checked_sub(skip + digits).map(|low| number.bits(low * 4, digits * 4))
        };
        let index_of = |raw: u64| u32::try_from(raw).ok();
        match number.bits(0, 4) {
            2 if hex_digits == 47 => {
                let parsed = SequenceNumber {
                    shard_created_s: number.bits(148, 36),
                    counter: number.bits(80, 64),
                    record_s: number.bits(36, 36),
                    shard_index: index_of(number.bits(4, 32))?,
                };
                let is_valid =
                    parsed.counter <= COUNTER_MAX && parsed.shard_created_s < SECONDS_MAX;
                is_valid.then_some(Parsed::Current(parsed))
            }
            1 => Some(Parsed::Older { shard_index: index_of(from_top(38, 8)?)? }),
            0 => Some(Parsed::Older { shard_index: index_of(from_top(28, 4)?)? }),
            _ => None,
        }
    }

    fn number(&self) -> Wide {
        let mut number = Wide([0; 3]);
        number.set(0, 2);
        number.set(4, u64::from(self.shard_index));
        number.set(36, self.record_s.min(SECONDS_MAX - 1));
        number.set(80, self.counter.min(COUNTER_MAX));
        number.set(144, u64::from(self.shard_index & 15));
        number.set(148, self.shard_created_s.min(SECONDS_MAX - 1));
        number.set(184, 2);
        number
    }

    /// The decimal digits, without allocating.
    #[must_use]
    pub fn digits(&self) -> Digits {
        self.number().digits()
    }
}

impl fmt::Display for SequenceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.digits().as_str())
    }
}

/// A number's decimal digits.
#[derive(Clone, Copy, Debug)]
pub struct Digits {
    bytes: [u8; 3 * CHUNK_DIGITS],
    from: usize,
}

impl Digits {
    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.bytes[self.from..]).expect("decimal digits are text")
    }
}

/// A number of 192 bits, low word first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Wide([u64; 3]);

impl Wide {
    /// Adds `value` at bit `at`, where there is nothing yet.
    fn set(&mut self, at: u32, value: u64) {
        let (word, bit) = ((at / 64) as usize, at % 64);
        self.0[word] |= value << bit;
        if bit > 0 && word < 2 {
            self.0[word + 1] |= value >> (64 - bit);
        }
    }

    /// The `count` bits (at most 64) from bit `at` up.
    fn bits(&self, at: u32, count: u32) -> u64 {
        let (word, bit) = ((at / 64) as usize, at % 64);
        let low = self.0.get(word).copied().unwrap_or(0);
        let high = self.0.get(word + 1).copied().unwrap_or(0);
        let value = if bit == 0 { low } else { low >> bit | high << (64 - bit) };
        if count == 64 { value } else { value & ((1 << count) - 1) }
    }

    fn hex_digits(&self) -> u32 {
        let top = (0..3).rev().find(|word| self.0[*word] != 0);
        top.map_or(0, |word| {
            u32::try_from(word).expect("three words") * 16
                + (64 - self.0[word].leading_zeros()).div_ceil(4)
        })
    }

    /// `None` when `text` is not all digits, or too large.
    fn parse(text: &str) -> Option<Wide> {
        if text.is_empty() {
            return None;
        }
        let mut number = Wide([0; 3]);
        for digit in text.bytes() {
            let mut carry = u64::from(char::from(digit).to_digit(10)?);
            for word in &mut number.0 {
                let product = u128::from(*word) * 10 + u128::from(carry);
                (*word, carry) = split(product);
            }
            if carry != 0 {
                return None;
            }
        }
        Some(number)
    }

    fn digits(mut self) -> Digits {
        let mut bytes = [b'0'; 3 * CHUNK_DIGITS];
        for chunk in (0..3).rev() {
            let mut rest = self.divide();
            for digit in bytes[chunk * CHUNK_DIGITS..][..CHUNK_DIGITS].iter_mut().rev() {
                *digit = b'0' + u8::try_from(rest % 10).expect("one digit");
                rest /= 10;
            }
        }
        let from = bytes.iter().position(|digit| *digit != b'0').unwrap_or(bytes.len() - 1);
        Digits { bytes, from }
    }

    /// Divides by [`CHUNK`] and answers the remainder.
    fn divide(&mut self) -> u64 {
        let mut rest = 0;
        for word in self.0.iter_mut().rev() {
            let value = u128::from(rest) << 64 | u128::from(*word);
            (*word, _) = split(value / u128::from(CHUNK));
            (rest, _) = split(value % u128::from(CHUNK));
        }
        rest
    }
}

/// The low and the high word.
#[expect(clippy::cast_possible_truncation, reason = "the words are what is asked for")]
fn split(value: u128) -> (u64, u64) {
    (value as u64, (value >> 64) as u64)
}
