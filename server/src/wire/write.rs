//! Responses, written straight into one buffer: no intermediate structures.

use base64_simd::{Out, STANDARD};

/// Writes one JSON document. Nulls are not written: the service leaves them out.
///
/// Methods that take a `key` write a member of the map that is open; those that end in `_item`
/// write an element of the list that is open.
#[derive(Debug, Default)]
pub struct Writer {
    out: Vec<u8>,
    needs_comma: bool,
}

impl Writer {
    /// An empty document.
    #[must_use]
    pub fn new() -> Writer {
        Writer::default()
    }

    /// An empty document with room for `bytes`.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Writer {
        Writer { out: Vec::with_capacity(bytes), needs_comma: false }
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
        self.open(b'{');
    }

    /// Closes the map.
    pub fn end_map(&mut self) {
        self.close(b'}');
    }

    /// Opens a map as a member.
    pub fn begin_map_in(&mut self, key: &'static str) {
        self.key(key);
        self.open(b'{');
    }

    /// Opens a list as a member.
    pub fn begin_list_in(&mut self, key: &'static str) {
        self.key(key);
        self.open(b'[');
    }

    /// Closes the list.
    pub fn end_list(&mut self) {
        self.close(b']');
    }

    /// A string.
    pub fn text(&mut self, key: &'static str, value: &str) {
        self.key(key);
        self.quote(value);
    }

    /// A string in a list.
    pub fn text_item(&mut self, value: &str) {
        self.comma();
        self.quote(value);
    }

    /// An integer.
    pub fn integer(&mut self, key: &'static str, value: u64) {
        self.key(key);
        self.digits(value);
    }

    /// True or false.
    pub fn boolean(&mut self, key: &'static str, value: bool) {
        self.key(key);
        self.out.extend_from_slice(if value { b"true" } else { b"false" });
    }

    /// A time: seconds with milliseconds.
    pub fn timestamp(&mut self, key: &'static str, ms: u64) {
        self.key(key);
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

    /// Bytes, as base64.
    pub fn blob(&mut self, key: &'static str, data: &[u8]) {
        self.key(key);
        self.out.push(b'"');
        let at = self.out.len();
        self.out.resize(at + STANDARD.encoded_length(data.len()), 0);
        let _ = STANDARD.encode(data, Out::from_slice(&mut self.out[at..]));
        self.out.push(b'"');
    }

    fn comma(&mut self) {
        if self.needs_comma {
            self.out.push(b',');
        }
        self.needs_comma = true;
    }

    fn key(&mut self, key: &'static str) {
        self.comma();
        self.out.push(b'"');
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    fn open(&mut self, bracket: u8) {
        // After a key the comma is written already; as an element it is due.
        if self.out.last().is_some_and(|last| *last != b':') {
            self.comma();
        }
        self.out.push(bracket);
        self.needs_comma = false;
    }

    fn close(&mut self, bracket: u8) {
        self.out.push(bracket);
        self.needs_comma = true;
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
