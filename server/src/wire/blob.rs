//! Base64 in requests: its length, its decoding, what is wrong with it.

use base64_simd::{Out, STANDARD};

use crate::wire::exception::Exception;
use crate::wire::value::Blob;

/// Characters of a bad blob that an error message repeats.
const ECHO_CHARS_MAX: usize = 128;

/// Bytes that `blob` decodes to, if it is well-formed.
#[must_use]
pub fn decoded_bytes(blob: &Blob<'_>) -> usize {
    match blob {
        Blob::Raw(bytes) => bytes.len(),
        Blob::Base64(text) => {
            let padding = text.bytes().rev().take(2).take_while(|byte| *byte == b'=').count();
            (text.len() / 4 * 3).saturating_sub(padding)
        }
    }
}

/// Decodes `blob` into `out`, which is [`decoded_bytes`] long.
pub fn decode_blob(blob: &Blob<'_>, out: &mut [u8]) -> Result<(), Exception> {
    match blob {
        Blob::Raw(bytes) => out.copy_from_slice(bytes),
        Blob::Base64(text) => {
            let fault = || Exception::serialization(explain(text));
            if !text.len().is_multiple_of(4) {
                return Err(fault());
            }
            let room = out.len();
            let decoded =
                STANDARD.decode(text.as_bytes(), Out::from_slice(out)).map_err(|_| fault())?;
            if decoded.len() != room {
                return Err(fault());
            }
        }
    }
    Ok(())
}

/// What is wrong with `blob`, if anything.
pub(super) fn check_blob(blob: &Blob<'_>) -> Result<(), Exception> {
    match blob {
        Blob::Base64(text) if STANDARD.check(text.as_bytes()).is_err() => {
            Err(Exception::serialization(explain(text)))
        }
        _ => Ok(()),
    }
}

fn explain(text: &str) -> String {
    let echo: String = text.chars().take(ECHO_CHARS_MAX).collect();
    let fault = if !text.len().is_multiple_of(4) {
        format!("Base64 encoded length is expected a multiple of 4 bytes but found: {}", text.len())
    } else if let Some(bad) = first_bad_character(text) {
        format!("Invalid Base64 character: '{bad}'")
    } else {
        "Invalid last non-pad Base64 character dectected".to_owned()
    };
    format!("'{echo}' can not be converted to a Blob: {fault}")
}

fn first_bad_character(text: &str) -> Option<char> {
    let body = text.trim_end_matches('=');
    let padding = text.len() - body.len();
    let is_base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/');
    body.chars().find(|c| !is_base64(*c)).or((padding > 2).then_some('='))
}
