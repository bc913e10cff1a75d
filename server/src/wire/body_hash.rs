//! The SHA-256 that a request says its body has.

use http::HeaderMap;

use crate::wire::exception::Exception;

/// The header: 64 hexadecimal digits, or a word for a body that is signed otherwise.
const DECLARED: &str = "x-amz-content-sha256";

/// A SHA-256.
pub type BodyHash = [u8; 32];

/// The hash that `headers` say the body has; `None` where they say nothing of it.
#[must_use]
pub fn declared_hash(headers: &HeaderMap) -> Option<BodyHash> {
    let digits = headers.get(DECLARED)?.as_bytes();
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
        (Some(declared), Some(found)) if declared != *found => Err(Exception::client(
            "InvalidSignatureException",
            "The request signature we calculated does not match the signature you provided. \
             Check your AWS Secret Access Key and signing method. Consult the service \
             documentation for details.",
        )),
        _ => Ok(()),
    }
}

fn digit(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::{DECLARED, check_hash, declared_hash};

    fn headers(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(
            http::HeaderName::from_static(DECLARED),
            HeaderValue::from_str(value).unwrap(),
        )])
    }

    #[test]
    fn sixty_four_digits_of_either_case_are_a_hash() {
        let digits = "00ff7A".to_owned() + &"01".repeat(29);
        let hash = declared_hash(&headers(&digits)).unwrap();
        assert_eq!(hash[..4], [0x00, 0xff, 0x7a, 0x01]);
    }

    #[test]
    fn what_is_no_hash_declares_nothing() {
        assert_eq!(declared_hash(&HeaderMap::new()), None);
        for word in ["UNSIGNED-PAYLOAD", "", &"0".repeat(63), &"0".repeat(65), &"g".repeat(64)] {
            assert_eq!(declared_hash(&headers(word)), None, "{word}");
        }
    }

    #[test]
    fn another_body_than_declared_is_refused() {
        let declared = headers(&"ab".repeat(32));
        assert!(check_hash(&declared, Some(&[0xab; 32])).is_ok());
        let refused = check_hash(&declared, Some(&[0xac; 32])).unwrap_err();
        assert_eq!(refused.code, "InvalidSignatureException");
        assert!(check_hash(&HeaderMap::new(), None).is_ok());
    }
}
