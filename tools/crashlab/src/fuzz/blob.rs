//! Base64 blobs: what decodes encodes to the same text.

use std::borrow::Cow;

use flowstone_server::wire::{Blob, decode_blob, decoded_bytes};

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Decodes `data` as text, encodes it as bytes, and back.
pub fn body(data: &[u8]) {
    if let Ok(text) = str::from_utf8(data)
        && let Some(bytes) = decode(text)
    {
        assert_eq!(encode(&bytes), text, "base64 has one form");
    }
    assert_eq!(decode(&encode(data)).as_deref(), Some(data));
}

fn decode(text: &str) -> Option<Vec<u8>> {
    let blob = Blob::Base64(Cow::Borrowed(text));
    let mut out = vec![0; decoded_bytes(&blob)];
    decode_blob(&blob, &mut out).ok().map(|()| out)
}

/// Base64 as the book says it, to compare with.
fn encode(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let [a, b, c] = [0, 1, 2].map(|index| u32::from(*chunk.get(index).unwrap_or(&0)));
        let bits = a << 16 | b << 8 | c;
        for (index, shift) in [18, 12, 6, 0].into_iter().enumerate() {
            let digit = ALPHABET[(bits >> shift & 63) as usize];
            text.push(if index <= chunk.len() { digit.into() } else { '=' });
        }
    }
    text
}

/// Texts with each padding, and wrong ones.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let long = encode(&[0xa5; 300]);
    let texts = ["", "YQ==", "YWI=", "YWJj", "YQ=", "YR==", "====", "Y Q=", "\u{e9}abc", &long];
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}
