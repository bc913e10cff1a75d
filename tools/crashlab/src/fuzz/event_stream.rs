//! Event-stream frames: what decodes is framed right, and what is encoded decodes.

use flowstone_server::wire::Exception;
use flowstone_server::wire::event_stream::{decode, event, exception, initial_response};

use crate::fuzz::edit::edit;
use crate::fuzz::input::Input;

/// Bytes of headers and payload from an input, in a frame with good checksums.
const FRAME_BYTES_MIN: usize = 16;

/// Frames as they come, frames forged, and frames of our own edited.
pub fn body(data: &[u8]) {
    let mut input = Input::new(data);
    match input.byte() % 3 {
        0 => walk(input.rest()),
        1 => {
            let mut frame = vec![0; 12];
            let headers_bytes = input.below(1024);
            frame.extend_from_slice(input.rest());
            forge(&mut frame, headers_bytes);
            walk(&frame);
        }
        _ => {
            let number = input.number(8);
            let text = String::from_utf8_lossy(input.bytes(64)).into_owned();
            let frame = event("SubscribeToShardEvent", text.len(), |out| {
                out.begin_map();
                out.text("Text", &text);
                out.integer("Number", number);
                out.end_map();
            });
            let message = decode(&frame).expect("it is whole").expect("it is complete");
            let payload: serde_json::Value =
                serde_json::from_slice(message.payload).expect("it is a document");
            assert_eq!(payload, serde_json::json!({"Text": text, "Number": number}));
            let refusal = exception(&Exception::invalid_argument(text.clone()));
            let refusal = decode(&refusal).expect("it is whole").expect("it is complete");
            assert_eq!(refusal.header(":exception-type"), Some("InvalidArgumentException"));
            let mut edited = frame.to_vec();
            edit(&mut edited, &mut input);
            if let Ok(Some(message)) = decode(&edited) {
                assert_eq!(edited[..message.frame_bytes], frame[..], "no other frame is made up");
            }
        }
    }
}

/// Decodes frame behind frame.
fn walk(mut bytes: &[u8]) {
    while let Ok(Some(message)) = decode(bytes) {
        assert!(message.frame_bytes >= FRAME_BYTES_MIN && message.frame_bytes <= bytes.len());
        let headers: usize = message.headers.iter().map(|(n, v)| n.len() + v.len() + 4).sum();
        assert_eq!(FRAME_BYTES_MIN + headers + message.payload.len(), message.frame_bytes);
        bytes = &bytes[message.frame_bytes..];
    }
}

/// Makes lengths and checksums good.
fn forge(frame: &mut Vec<u8>, headers_bytes: usize) {
    let length = |bytes: usize| u32::try_from(bytes).expect("inputs are small").to_be_bytes();
    let frame_bytes = frame.len() + 4;
    frame[0..4].copy_from_slice(&length(frame_bytes));
    frame[4..8].copy_from_slice(&length(headers_bytes));
    let checksum = crc32fast::hash(&frame[..8]).to_be_bytes();
    frame[8..12].copy_from_slice(&checksum);
    let checksum = crc32fast::hash(frame).to_be_bytes();
    frame.extend_from_slice(&checksum);
}

/// One of each kind.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let own = initial_response();
    let headers_bytes = u32::from_be_bytes([own[4], own[5], own[6], own[7]]).to_le_bytes();
    vec![
        [&[0], &own[..], &own[..]].concat(),
        [&[1], &headers_bytes[..3], &own[12..own.len() - 4]].concat(),
        [&[2][..], &7_u64.to_le_bytes(), b"text \"quoted\""].concat(),
    ]
}
