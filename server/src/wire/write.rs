//! Responses, written straight into one buffer: no intermediate structures.

use base64_simd::{Out, STANDARD};

use crate::wire::cbor::{
    BREAK, BYTES, FALSE, LIST_OPEN, MAP_OPEN, TEXT, TIME, TRUE, UNSIGNED, write_head,
};
use crate::wire::format::Format;

/// Writes one document. Nulls are not written: the service leaves them out.
///
/// Methods that take a `key` write a member of the map that is open; those that end in `_item`
/// write an element of the list that is open. How many follow is not said beforehand: in CBOR, maps
/// and lists are of indefinite length, as the service's are.
#[derive(Debug)]
pub struct Writer {
    out: Vec<u8>,
    format: Format,
    needs_comma: bool,
}

impl Writer {
    /// An empty document.
    #[must_use]
    pub fn new(format: Format) -> Writer {
        Writer::behind(format, Vec::new())
    }

    /// An empty document with room for `bytes`.
    #[must_use]
    pub fn with_capacity(format: Format, bytes: usize) -> Writer {
        Writer::behind(format, Vec::with_capacity(bytes))
    }

    /// An empty document that goes behind what is in `out`.
    #[must_use]
    pub(super) fn behind(format: Format, out: Vec<u8>) -> Writer {
        Writer { out, format, needs_comma: false }
    }

    /// The format of the document.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// Makes room for `bytes` more.
    pub fn reserve(&mut self, bytes: usize) {
        self.out.reserve(bytes);
    }

    /// The document's bytes.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.out
    }

    /// Opens a map: the document, or an element of a list.
    pub fn begin_map(&mut self) {
        self.comma();
        self.open(b'{', MAP_OPEN);
    }

    /// Closes the map.
    pub fn end_map(&mut self) {
        self.close(b'}');
    }

    /// Opens a map as a member.
    pub fn begin_map_in(&mut self, key: &'static str) {
        self.key(key);
        self.open(b'{', MAP_OPEN);
    }

    /// Opens a list as a member.
    pub fn begin_list_in(&mut self, key: &'static str) {
        self.key(key);
        self.open(b'[', LIST_OPEN);
    }

    /// Closes the list.
    pub fn end_list(&mut self) {
        self.close(b']');
    }

    /// A string.
    pub fn text(&mut self, key: &'static str, value: &str) {
        self.key(key);
        self.string(value);
    }

    /// A string in a list.
    pub fn text_item(&mut self, value: &str) {
        self.comma();
        self.string(value);
    }

    /// An integer.
    pub fn integer(&mut self, key: &'static str, value: u64) {
        self.key(key);
        self.number(value);
    }

    /// An integer in a list.
    pub fn integer_item(&mut self, value: u64) {
        self.comma();
        self.number(value);
    }

    /// True or false.
    pub fn boolean(&mut self, key: &'static str, value: bool) {
        self.key(key);
        match (self.format, value) {
            (Format::Json, true) => self.out.extend_from_slice(b"true"),
            (Format::Json, false) => self.out.extend_from_slice(b"false"),
            (Format::Cbor, true) => self.out.push(TRUE),
            (Format::Cbor, false) => self.out.push(FALSE),
        }
    }

    /// A time: in JSON seconds with milliseconds, in CBOR whole milliseconds behind a tag. SDKs
    /// take no float there.
    pub fn timestamp(&mut self, key: &'static str, ms: u64) {
        self.key(key);
        if self.format == Format::Cbor {
            self.out.push(TIME);
            return self.number(ms);
        }
        self.digits(ms / 1000);
        let fraction = ms % 1000;
        let digit = |n: u64| b'0' + u8::try_from(n % 10).expect("one digit");
        self.out.extend_from_slice(&[
            b'.',
            digit(fraction / 100),
            digit(fraction / 10),
            digit(fraction),
        ]);
    }

    /// Bytes: as base64 in JSON, as they are in CBOR.
    pub fn blob(&mut self, key: &'static str, data: &[u8]) {
        self.key(key);
        if self.format == Format::Cbor {
            write_head(&mut self.out, BYTES, data.len() as u64);
            return self.out.extend_from_slice(data);
        }
        self.out.push(b'"');
        let at = self.out.len();
        self.out.resize(at + STANDARD.encoded_length(data.len()), 0);
        let _ = STANDARD.encode(data, Out::from_slice(&mut self.out[at..]));
        self.out.push(b'"');
    }

    fn comma(&mut self) {
        if self.needs_comma && self.format == Format::Json {
            self.out.push(b',');
        }
        self.needs_comma = true;
    }

    fn key(&mut self, key: &'static str) {
        self.comma();
        match self.format {
            Format::Json => {
                self.out.push(b'"');
                self.out.extend_from_slice(key.as_bytes());
                self.out.extend_from_slice(b"\":");
            }
            Format::Cbor => self.string(key),
        }
    }

    fn open(&mut self, bracket: u8, head: u8) {
        self.out.push(if self.format == Format::Json { bracket } else { head });
        self.needs_comma = false;
    }

    fn close(&mut self, bracket: u8) {
        self.out.push(if self.format == Format::Json { bracket } else { BREAK });
        self.needs_comma = true;
    }

    fn number(&mut self, value: u64) {
        match self.format {
            Format::Json => self.digits(value),
            Format::Cbor => write_head(&mut self.out, UNSIGNED, value),
        }
    }

    fn digits(&mut self, mut value: u64) {
        let mut digits = [0; 20];
        let mut at = digits.len();
        loop {
            at -= 1;
            digits[at] = b'0' + u8::try_from(value % 10).expect("one digit");
            value /= 10;
            if value == 0 {
                break;
            }
        }
        self.out.extend_from_slice(&digits[at..]);
    }

    fn string(&mut self, value: &str) {
        match self.format {
            Format::Json => self.quote(value),
            Format::Cbor => {
                write_head(&mut self.out, TEXT, value.len() as u64);
                self.out.extend_from_slice(value.as_bytes());
            }
        }
    }

    fn quote(&mut self, value: &str) {
        self.out.push(b'"');
        let mut rest = value.as_bytes();
        while let Some(at) = rest.iter().position(|b| *b < 0x20 || matches!(b, b'"' | b'\\')) {
            self.out.extend_from_slice(&rest[..at]);
            match rest[at] {
                b'"' => self.out.extend_from_slice(b"\\\""),
                b'\\' => self.out.extend_from_slice(b"\\\\"),
                b'\n' => self.out.extend_from_slice(b"\\n"),
                b'\r' => self.out.extend_from_slice(b"\\r"),
                b'\t' => self.out.extend_from_slice(b"\\t"),
                control => {
                    const HEX: &[u8; 16] = b"0123456789abcdef";
                    self.out.extend_from_slice(b"\\u00");
                    self.out.push(HEX[usize::from(control >> 4)]);
                    self.out.push(HEX[usize::from(control & 15)]);
                }
            }
            rest = &rest[at + 1..];
        }
        self.out.extend_from_slice(rest);
        self.out.push(b'"');
    }
}
