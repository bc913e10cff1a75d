//! A serde deserializer that borrows from the body.
//!
//! Lengths may be indefinite. Tags are stepped over, for what a value means is the shape's to say,
//! but those that make a number of bytes.
//! What is skipped is not stored.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use crate::wire::cbor::head::{
    BYTES, Head, LIST, MAP, NEGATIVE, SIMPLE, TAG, TEXT, UNSIGNED, take_head,
};

/// Lists and maps within each other, as many as serde_json allows.
const DEPTH_MAX: u8 = 127;

/// Bytes that are no CBOR, or not what a visitor takes.
#[derive(Debug)]
pub(in crate::wire) struct NotCbor;

impl fmt::Display for NotCbor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a CBOR document")
    }
}

impl std::error::Error for NotCbor {}

impl serde::de::Error for NotCbor {
    fn custom<T: fmt::Display>(_: T) -> NotCbor {
        NotCbor
    }
}

type Result<T> = std::result::Result<T, NotCbor>;

/// Parses one document.
#[derive(Debug)]
pub(in crate::wire) struct Parser<'de> {
    rest: &'de [u8],
    depth: u8,
}

impl<'de> Parser<'de> {
    pub(in crate::wire) fn new(body: &'de [u8]) -> Parser<'de> {
        Parser { rest: body, depth: 0 }
    }

    /// Whether nothing is left.
    pub(in crate::wire) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    fn head(&mut self) -> Result<Head> {
        take_head(&mut self.rest).ok_or(NotCbor)
    }

    fn take(&mut self, bytes: u64) -> Result<&'de [u8]> {
        let bytes = usize::try_from(bytes).map_err(|_| NotCbor)?;
        let (taken, rest) = self.rest.split_at_checked(bytes).ok_or(NotCbor)?;
        self.rest = rest;
        Ok(taken)
    }

    /// Takes the break that ends an item of indefinite length, if it comes next.
    fn take_break(&mut self) -> bool {
        match self.rest.split_first() {
            Some((&super::BREAK, rest)) => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// The next piece of a string of indefinite length; `None` is its end.
    fn piece(&mut self, major: u8) -> Result<Option<&'de [u8]>> {
        if self.take_break() {
            return Ok(None);
        }
        match self.head()? {
            Head { major: same, value: Some(bytes), .. } if same == major => {
                self.take(bytes).map(Some)
            }
            _ => Err(NotCbor),
        }
    }

    fn bytes<V: Visitor<'de>>(&mut self, length: Option<u64>, visitor: V) -> Result<V::Value> {
        if let Some(bytes) = length {
            return visitor.visit_borrowed_bytes(self.take(bytes)?);
        }
        let mut whole = Vec::new();
        while let Some(piece) = self.piece(BYTES)? {
            whole.extend_from_slice(piece);
        }
        visitor.visit_byte_buf(whole)
    }

    fn text<V: Visitor<'de>>(&mut self, length: Option<u64>, visitor: V) -> Result<V::Value> {
        let utf8 = |bytes| str::from_utf8(bytes).map_err(|_| NotCbor);
        if let Some(bytes) = length {
            return visitor.visit_borrowed_str(utf8(self.take(bytes)?)?);
        }
        let mut whole = String::new();
        while let Some(piece) = self.piece(TEXT)? {
            whole.push_str(utf8(piece)?);
        }
        visitor.visit_string(whole)
    }

    /// Runs `inside` one level deeper.
    fn nested<T>(&mut self, inside: impl FnOnce(&mut Parser<'de>) -> Result<T>) -> Result<T> {
        if self.depth == DEPTH_MAX {
            return Err(NotCbor);
        }
        self.depth += 1;
        let result = inside(self);
        self.depth -= 1;
        result
    }

    /// Steps over one item, which must be well-formed.
    fn skip(&mut self) -> Result<()> {
        let (head, _) = self.untagged()?;
        match (head.major, head.value) {
            (UNSIGNED | NEGATIVE, Some(_)) => Ok(()),
            (BYTES, Some(bytes)) => self.take(bytes).map(drop),
            (TEXT, Some(bytes)) => str::from_utf8(self.take(bytes)?).map(drop).map_err(|_| NotCbor),
            (BYTES | TEXT, None) => {
                while let Some(piece) = self.piece(head.major)? {
                    if head.major == TEXT && str::from_utf8(piece).is_err() {
                        return Err(NotCbor);
                    }
                }
                Ok(())
            }
            (LIST | MAP, length) => self.nested(|parser| {
                let mut items = Items { parser, left: length };
                while items.has_next() {
                    if head.major == MAP {
                        items.parser.skip()?;
                    }
                    items.parser.skip()?;
                }
                Ok(())
            }),
            (SIMPLE, Some(value)) => simple(head.info, value).map(drop),
            _ => Err(NotCbor),
        }
    }

    /// The head of an item behind its tags, of which the last one says how its bytes are meant.
    fn untagged(&mut self) -> Result<(Head, Meaning)> {
        let mut meaning = Meaning::Plain;
        loop {
            match self.head()? {
                Head { major: TAG, value: Some(tag), .. } => meaning = Meaning::of(tag),
                Head { major: TAG, value: None, .. } => return Err(NotCbor),
                head => return Ok((head, meaning)),
            }
        }
    }
}

/// How the bytes behind a tag are meant.
#[derive(Clone, Copy)]
enum Meaning {
    /// As bytes.
    Plain,
    /// As a whole number, the highest byte first.
    Number,
    /// As -1 less such a number.
    NegativeNumber,
}

impl Meaning {
    fn of(tag: u64) -> Meaning {
        match tag {
            2 => Meaning::Number,
            3 => Meaning::NegativeNumber,
            _ => Meaning::Plain,
        }
    }
}

/// Takes the bytes of a number that is written as such: whole if it fits, otherwise rounded.
struct AsNumber<V> {
    visitor: V,
    is_negative: bool,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for AsNumber<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the bytes of a number")
    }

    fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> std::result::Result<V::Value, E> {
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        let digits = &bytes[zeros..];
        if digits.len() <= size_of::<u64>() {
            let number = digits.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
            return match i64::try_from(number) {
                Ok(number) if self.is_negative => self.visitor.visit_i64(-1 - number),
                Err(_) if self.is_negative => self.visitor.visit_i64(i64::MIN),
                _ => self.visitor.visit_u64(number),
            };
        }
        let number = digits.iter().fold(0.0, |number, byte| number * 256.0 + f64::from(*byte));
        self.visitor.visit_f64(if self.is_negative { -number } else { number })
    }
}

/// A value without content, or a float.
enum Simple {
    Boolean(bool),
    Null,
    Float(f64),
}

fn simple(info: u8, value: u64) -> Result<Simple> {
    // The argument has as many bytes as the float.
    let narrow = |value: u64| u32::try_from(value).map_err(|_| NotCbor);
    Ok(match (info, value) {
        (20, _) => Simple::Boolean(false),
        (21, _) => Simple::Boolean(true),
        (22 | 23, _) => Simple::Null,
        (25, bits) => Simple::Float(half(narrow(bits)?)),
        (26, bits) => Simple::Float(f32::from_bits(narrow(bits)?).into()),
        (27, bits) => Simple::Float(f64::from_bits(bits)),
        _ => return Err(NotCbor),
    })
}

/// The number that 16 bits stand for.
fn half(bits: u32) -> f64 {
    let (exponent, fraction) = (bits >> 10 & 0x1f, f64::from(bits & 0x3ff));
    let magnitude = match exponent {
        0 => fraction / 1024.0 * 2.0_f64.powi(-14),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + fraction / 1024.0) * 2.0_f64.powi(exponent.cast_signed() - 15),
    };
    if bits >> 15 == 1 { -magnitude } else { magnitude }
}

impl<'de> Deserializer<'de> for &mut Parser<'de> {
    type Error = NotCbor;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let (head, meaning) = self.untagged()?;
        match (head.major, head.value) {
            (UNSIGNED, Some(value)) => visitor.visit_u64(value),
            (NEGATIVE, Some(value)) => {
                visitor.visit_i64(i64::try_from(value).map_or(i64::MIN, |value| -1 - value))
            }
            (BYTES, length) => match meaning {
                Meaning::Plain => self.bytes(length, visitor),
                Meaning::Number => self.bytes(length, AsNumber { visitor, is_negative: false }),
                Meaning::NegativeNumber => {
                    self.bytes(length, AsNumber { visitor, is_negative: true })
                }
            },
            (TEXT, length) => self.text(length, visitor),
            (LIST, length) => self.nested(|parser| {
                let mut items = Items { parser, left: length };
                let value = visitor.visit_seq(&mut items)?;
                if items.has_next() { Err(NotCbor) } else { Ok(value) }
            }),
            (MAP, length) => self.nested(|parser| {
                let mut items = Items { parser, left: length };
                let value = visitor.visit_map(&mut items)?;
                if items.has_next() { Err(NotCbor) } else { Ok(value) }
            }),
            (SIMPLE, Some(value)) => match simple(head.info, value)? {
                Simple::Boolean(value) => visitor.visit_bool(value),
                Simple::Null => visitor.visit_unit(),
                Simple::Float(value) => visitor.visit_f64(value),
            },
            _ => Err(NotCbor),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.skip()?;
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier
    }
}

/// The items of a list, or the pairs of a map: so many, or up to a break.
struct Items<'p, 'de> {
    parser: &'p mut Parser<'de>,
    left: Option<u64>,
}

impl Items<'_, '_> {
    /// Whether another follows, which is then the next thing to be taken.
    fn has_next(&mut self) -> bool {
        match &mut self.left {
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
            None => {
                let is_over = self.parser.take_break();
                if is_over {
                    self.left = Some(0);
                }
                !is_over
            }
        }
    }
}

impl<'de> SeqAccess<'de> for &mut Items<'_, 'de> {
    type Error = NotCbor;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        if self.has_next() { seed.deserialize(&mut *self.parser).map(Some) } else { Ok(None) }
    }
}

impl<'de> MapAccess<'de> for &mut Items<'_, 'de> {
    type Error = NotCbor;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        if self.has_next() { seed.deserialize(&mut *self.parser).map(Some) } else { Ok(None) }
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value> {
        seed.deserialize(&mut *self.parser)
    }
}
