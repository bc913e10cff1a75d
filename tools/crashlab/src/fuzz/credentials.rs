//! Who calls: the authorization header, and the query string.

use flowstone_server::wire::{Defaults, Format, read_caller};
use http::{HeaderMap, HeaderValue};

use crate::fuzz::world::{ACCOUNT, REGION};

/// The first line as the header, the second as the query string; an empty one is absent.
pub fn body(data: &[u8]) {
    let (flags, lines) = data.split_first().unwrap_or((&0, &[]));
    let mut lines = lines.splitn(2, |byte| *byte == b'\n');
    let (header, query) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_bytes(header)
        && !header.is_empty()
    {
        headers.insert("authorization", value);
    }
    if flags & 1 != 0 {
        headers.insert("x-amz-date", HeaderValue::from_static("20250101T000000Z"));
    }
    let query = str::from_utf8(query).ok().filter(|query| !query.is_empty());
    let defaults = Defaults { account: ACCOUNT.to_owned(), region: REGION.to_owned() };
    match read_caller(&headers, query, &defaults) {
        Ok(caller) => {
            let is_account = caller.account.len() == 12
                && caller.account.bytes().all(|byte| byte.is_ascii_digit());
            assert!(is_account, "an account is twelve digits");
            // Parts of a stream's key, which a slash would tear.
            assert!(!caller.region.is_empty() && !caller.region.contains('/'));
        }
        Err(exception) => {
            let body = exception.body(Format::Json);
            serde_json::from_slice::<serde_json::Value>(&body).expect("an error is a document");
        }
    }
}

/// Good ones in both places, and wrong ones.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let texts = [
        "1AWS4-HMAC-SHA256 Credential=123456789012/20250101/eu-west-1/kinesis/aws4_request, \
         SignedHeaders=host;x-amz-date, Signature=abc",
        "1AWS4-HMAC-SHA256 Credential=AKID/d/../kinesis/aws4_request,SignedHeaders=h,Signature=a",
        "0AWS4-ECDSA-P256-SHA256 Credential=, Signature",
        "0Basic dXNlcg==",
        "0\nX-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2Fd%2Fus-east-1%2Fkinesis%2F\
         aws4_request&X-Amz-Signature=a&X-Amz-SignedHeaders=h&X-Amz-Date=d",
        "1AWS4-HMAC-SHA256\nX-Amz-Algorithm",
    ];
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}
