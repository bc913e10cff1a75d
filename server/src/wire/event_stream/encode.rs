//! Events, the first answer and exceptions as frames.

use bytes::Bytes;

use crate::wire::event_stream::{
    CHECKSUM_BYTES, FRAME_BYTES_MAX, PAYLOAD_TYPE, PRELUDE_BYTES, STRING,
};
use crate::wire::exception::Exception;
use crate::wire::format::Format;
use crate::wire::write::Writer;

/// Bytes of the headers of any frame made here.
const HEADERS_BYTES: usize = 160;

/// An event called `name`. `payload` writes its document, of about `payload_bytes`, straight into
/// the frame.
#[must_use]
pub fn event(name: &str, payload_bytes: usize, payload: impl FnOnce(&mut Writer)) -> Bytes {
    let headers =
        [(":message-type", "event"), (":event-type", name), (":content-type", PAYLOAD_TYPE)];
    frame(&headers, payload_bytes, payload)
}

/// The event that comes before all others: the operation's output beside its stream, which has no
/// members here. SDKs wait for it.
#[must_use]
pub fn initial_response() -> Bytes {
    event("initial-response", 2, |out| {
        out.begin_map();
        out.end_map();
    })
}

/// The end of a stream by an exception that the model names.
#[must_use]
pub fn exception(exception: &Exception) -> Bytes {
    let headers = [
        (":message-type", "exception"),
        (":exception-type", exception.code),
        (":content-type", PAYLOAD_TYPE),
    ];
    let message = exception.message.as_deref().unwrap_or_default();
    frame(&headers, message.len() + 16, |out| {
        out.begin_map();
        out.text("message", message);
        out.end_map();
    })
}

fn frame(
    headers: &[(&str, &str)],
    payload_bytes: usize,
    payload: impl FnOnce(&mut Writer),
) -> Bytes {
    let capacity = PRELUDE_BYTES + HEADERS_BYTES + payload_bytes + CHECKSUM_BYTES;
    let mut out = Vec::with_capacity(capacity);
    out.resize(PRELUDE_BYTES, 0);
    for (name, value) in headers {
        out.push(u8::try_from(name.len()).expect("names of headers are short"));
        out.extend_from_slice(name.as_bytes());
        out.push(STRING);
        let bytes = u16::try_from(value.len()).expect("values of headers are short");
        out.extend_from_slice(&bytes.to_be_bytes());
        out.extend_from_slice(value.as_bytes());
    }
    let headers_bytes = out.len() - PRELUDE_BYTES;
    let mut writer = Writer::behind(Format::Json, out);
    payload(&mut writer);
    let mut out = writer.finish();
    let frame_bytes = out.len() + CHECKSUM_BYTES;
    assert!(frame_bytes <= FRAME_BYTES_MAX, "an event is too large frame_bytes=`{frame_bytes}`");
    let length = |bytes: usize| u32::try_from(bytes).expect("frames are bounded").to_be_bytes();
    out[0..4].copy_from_slice(&length(frame_bytes));
    out[4..8].copy_from_slice(&length(headers_bytes));
    let checksum = crc32fast::hash(&out[..8]).to_be_bytes();
    out[8..12].copy_from_slice(&checksum);
    let checksum = crc32fast::hash(&out).to_be_bytes();
    out.extend_from_slice(&checksum);
    out.into()
}
