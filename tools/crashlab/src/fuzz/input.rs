//! A fuzzer's bytes, taken apart. What is asked for past their end is zeros.

/// Bytes that decide what a body does.
#[derive(Clone, Debug)]
pub struct Input<'a> {
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    /// All of `data`.
    #[must_use]
    pub fn new(data: &'a [u8]) -> Input<'a> {
        Input { rest: data }
    }

    /// Whether nothing is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next `count` bytes, or fewer at the end.
    pub fn bytes(&mut self, count: usize) -> &'a [u8] {
        let (head, rest) = self.rest.split_at(count.min(self.rest.len()));
        self.rest = rest;
        head
    }

    /// What is left.
    pub fn rest(&mut self) -> &'a [u8] {
        self.bytes(usize::MAX)
    }

    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        self.bytes(1).first().copied().unwrap_or(0)
    }

    /// The next `bytes` bytes (at most 8) as a number, little-endian.
    pub fn number(&mut self, bytes: usize) -> u64 {
        let mut raw = [0; 8];
        let taken = self.bytes(bytes.min(8));
        raw[..taken.len()].copy_from_slice(taken);
        u64::from_le_bytes(raw)
    }

    /// A place below `bound`, from 3 bytes; 0 when `bound` is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        let number = usize::try_from(self.number(3)).expect("three bytes");
        if bound == 0 { 0 } else { number % bound }
    }
}
