//! Frames back into messages, for whoever reads the server's answers.

use crate::wire::event_stream::{
    CHECKSUM_BYTES, FRAME_BYTES_MAX, HEADERS_BYTES_MAX, PRELUDE_BYTES, STRING,
};

/// A frame, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// Names and values, in their order.
    pub headers: Vec<(&'a str, &'a str)>,
    /// The document.
    pub payload: &'a [u8],
    /// Bytes of the whole frame: the next one begins behind them.
    pub frame_bytes: usize,
}

/// Bytes that are no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// Lengths that contradict each other or pass a bound.
    Length,
    /// A checksum that does not fit.
    Checksum,
    /// Headers that cannot be read, or one that is no string.
    Headers,
}

impl<'a> Message<'a> {
    /// The value of the header called `name`.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.iter().find(|header| header.0 == name).map(|header| header.1)
    }
}

/// The frame at the head of `bytes`; `None` while it is not complete. Lengths are believed only
/// once their own checksum fits.
pub fn decode(bytes: &[u8]) -> Result<Option<Message<'_>>, Malformed> {
    let Some(prelude) = bytes.first_chunk::<PRELUDE_BYTES>() else { return Ok(None) };
    let [frame_bytes, headers_bytes, checksum] = [0, 4, 8].map(|at| number(prelude, at));
    if crc32fast::hash(&prelude[..8]) != checksum {
        return Err(Malformed::Checksum);
    }
    let (frame_bytes, headers_bytes) = (frame_bytes as usize, headers_bytes as usize);
    if frame_bytes > FRAME_BYTES_MAX
        || headers_bytes > HEADERS_BYTES_MAX
        || frame_bytes < PRELUDE_BYTES + headers_bytes + CHECKSUM_BYTES
    {
        return Err(Malformed::Length);
    }
    let Some(frame) = bytes.get(..frame_bytes) else { return Ok(None) };
    let end = frame_bytes - CHECKSUM_BYTES;
    if crc32fast::hash(&frame[..end]) != number(frame, end) {
        return Err(Malformed::Checksum);
    }
    let (headers, payload) = frame[PRELUDE_BYTES..end].split_at(headers_bytes);
    let headers = read_headers(headers).ok_or(Malformed::Headers)?;
    Ok(Some(Message { headers, payload, frame_bytes }))
}

/// The big-endian number at `at`, which must be in bounds.
fn number(bytes: &[u8], at: usize) -> u32 {
    bytes[at..at + 4].iter().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

fn read_headers(mut rest: &[u8]) -> Option<Vec<(&str, &str)>> {
    let mut headers = Vec::new();
    while let Some((name_bytes, more)) = rest.split_first() {
        let (name, more) = more.split_at_checked(usize::from(*name_bytes))?;
        let (&[kind, high, low], more) = more.split_first_chunk::<3>()?;
        let (value, more) = more.split_at_checked(usize::from(u16::from_be_bytes([high, low])))?;
        if kind != STRING {
            return None;
        }
        headers.push((str::from_utf8(name).ok()?, str::from_utf8(value).ok()?));
        rest = more;
    }
    Some(headers)
}
