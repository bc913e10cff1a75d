//! Event streams: answers that go on, as `application/vnd.amazon.eventstream` frames them.
//!
//! ```text
//!   0        4          8            12        12+h         n-4        n
//!   | n: u32 | h: u32   | crc of 0..8 | headers | payload    | crc of 0..n-4 |
//!   header: | name bytes: u8 | name | 7: a string | value bytes: u16 | value |      all big-endian
//! ```
//!
//! | file        | owns |
//! |-------------|------|
//! | `encode.rs` | events, the first answer and exceptions as frames |
//! | `decode.rs` | frames back into messages, for whoever reads the server's answers |

mod decode;
mod encode;

#[cfg(test)]
mod tests;

pub use decode::{Malformed, Message, decode};
pub use encode::{event, exception, initial_response};

/// The content type of an event stream.
pub const CONTENT_TYPE: &str = "application/vnd.amazon.eventstream";

/// The content type of an event's payload.
pub const PAYLOAD_TYPE: &str = "application/json";

/// Bytes of a frame; a longer one is refused as the SDKs refuse it.
pub const FRAME_BYTES_MAX: usize = 24 * 1024 * 1024;

/// Bytes of a frame's headers, as in the SDKs.
pub const HEADERS_BYTES_MAX: usize = 128 * 1024;

/// Bytes before the headers: two lengths and their checksum.
const PRELUDE_BYTES: usize = 12;

/// Bytes of a checksum.
const CHECKSUM_BYTES: usize = 4;

/// The type of a header whose value is a string.
const STRING: u8 = 7;
