//! The SHA-256 that a request says its body has.

use http::{HeaderMap, HeaderValue};

use crate::wire::exception::Exception;

/// The header: 64 hexadecimal digits, or a word for a body that is not signed, or signed in chunks.
const DECLARED: &str = "x-amz-content-sha256";

/// The word for a body that is not signed.
const UNSIGNED: &[u8] = b"UNSIGNED-PAYLOAD";

/// How the words for a body that is signed in chunks begin.
const IN_CHUNKS: &[u8] = b"STREAMING-";

/// A SHA-256.
pub type BodyHash = [u8; 32];

/// What headers say of a body's hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Declared {
    /// Nothing.
    Nothing,
    /// That it is this one.
    Hash(BodyHash),
    /// What nobody can read: no body is the right one.
    Unreadable,
}

/// What `headers` say of their body's hash.
#[must_use]
pub fn declared_hash(headers: &HeaderMap) -> Declared {
    let mut values = headers.get_all(DECLARED).into_iter().map(HeaderValue::as_bytes);
    match (values.next(), values.next()) {
        (None, _) => Declared::Nothing,
        (Some(word), None) if word == UNSIGNED || word.starts_with(IN_CHUNKS) => Declared::Nothing,
        (Some(digits), None) => hash_of(digits).map_or(Declared::Unreadable, Declared::Hash),
        (Some(_), Some(_)) => Declared::Unreadable,
    }
}

fn hash_of(digits: &[u8]) -> Option<BodyHash> {
    let mut hash = BodyHash::default();
    if digits.len() != 2 * hash.len() {
        return None;
    }
    for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(hash)
}

/// Refuses a body of hash `found` that is not the one which `headers` declare. The service finds that
/// out by the signature, which covers the hash.
pub fn check_hash(headers: &HeaderMap, found: Option<&BodyHash>) -> Result<(), Exception> {
    match (declared_hash(headers), found) {
        (Declared::Nothing, _) => Ok(()),
        (Declared::Hash(declared), Some(found)) if declared == *found => Ok(()),
        _ => Err(Exception::client(
            "InvalidSignatureException",
            "The request signature we calculated does not match the signature you provided. \
             Check your AWS Secret Access Key and signing method. Consult the service \
             documentation for details.",
        )),
    }
}

fn digit(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::{DECLARED, Declared, check_hash, declared_hash};

    fn headers(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(
            http::HeaderName::from_static(DECLARED),
            HeaderValue::from_str(value).unwrap(),
        )])
    }

    #[test]
    fn sixty_four_digits_of_either_case_are_a_hash() {
        let digits = "00ff7A".to_owned() + &"01".repeat(29);
        let Declared::Hash(hash) = declared_hash(&headers(&digits)) else { panic!("no hash") };
        assert_eq!(hash[..4], [0x00, 0xff, 0x7a, 0x01]);
    }

    #[test]
    fn words_for_other_bodies_declare_nothing() {
        assert_eq!(declared_hash(&HeaderMap::new()), Declared::Nothing);
        for word in ["UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"] {
            assert_eq!(declared_hash(&headers(word)), Declared::Nothing, "{word}");
        }
    }

    #[test]
    fn no_body_is_right_for_a_hash_that_nobody_can_read() {
        let mut twice = headers(&"ab".repeat(32));
        twice.append(DECLARED, HeaderValue::from_static("UNSIGNED-PAYLOAD"));
        let words = ["", "unsigned", &"0".repeat(63), &"0".repeat(65), &"g".repeat(64)];
        for headers in words.map(headers).into_iter().chain([twice]) {
            assert_eq!(declared_hash(&headers), Declared::Unreadable, "{headers:?}");
            assert!(check_hash(&headers, Some(&[0xab; 32])).is_err(), "{headers:?}");
        }
    }

    #[test]
    fn another_body_than_declared_is_refused() {
        let declared = headers(&"ab".repeat(32));
        assert!(check_hash(&declared, Some(&[0xab; 32])).is_ok());
        let refused = check_hash(&declared, Some(&[0xac; 32])).unwrap_err();
        assert_eq!(refused.code, "InvalidSignatureException");
        assert!(check_hash(&declared, None).is_err(), "nobody has looked");
        assert!(check_hash(&HeaderMap::new(), None).is_ok());
    }
}
