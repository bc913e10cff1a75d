//! Who calls: region and account from a signature's credential scope.
//!
//! The signature itself is not verified here; what the service calls malformed is refused.

use http::HeaderMap;

use crate::wire::exception::Exception;

/// Bytes of an `Authorization` header that an error message repeats.
const ECHO_CHARS_MAX: usize = 512;

/// Who calls, as far as the request says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Twelve digits.
    pub account: String,
    /// Such as `us-east-1`.
    pub region: String,
}

/// Who calls when the request does not say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defaults {
    /// The account of access keys that name none.
    pub account: String,
    /// The region of scopes that name none.
    pub region: String,
}

/// Reads the caller out of a request's headers or query string.
pub fn read_caller(
    headers: &HeaderMap,
    query: Option<&str>,
    defaults: &Defaults,
) -> Result<Caller, Exception> {
    let header = headers.get(http::header::AUTHORIZATION).map(|value| value.to_str());
    let query: Vec<(&str, &str)> = query
        .unwrap_or_default()
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .collect();
    let is_in_query = query.iter().any(|(name, _)| *name == "X-Amz-Algorithm");
    let scope = match header {
        Some(_) if is_in_query => {
            return Err(Exception::client(
                "InvalidSignatureException",
                "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP \
                 header.",
            ));
        }
        Some(Ok(header)) if header.trim().starts_with("AWS4-") => in_header(header, headers)?,
        None if is_in_query => in_query(&query)?,
        _ => {
            return Err(Exception::client(
                "MissingAuthenticationTokenException",
                "Missing Authentication Token",
            ));
        }
    };
    Ok(caller_of(&scope, defaults))
}

fn in_header(header: &str, headers: &HeaderMap) -> Result<String, Exception> {
    let mut credential = "";
    let mut has_signature = false;
    let mut has_signed_headers = false;
    for part in header.split([',', ' ']).skip(1) {
        match part.trim().split_once('=') {
            Some(("Credential", value)) => credential = value,
            Some(("Signature", value)) => has_signature = !value.is_empty(),
            Some(("SignedHeaders", value)) => has_signed_headers = !value.is_empty(),
            _ => {}
        }
    }
    let mut message = String::new();
    for (name, is_there) in [
        ("Credential", !credential.is_empty()),
        ("Signature", has_signature),
        ("SignedHeaders", has_signed_headers),
    ] {
        if !is_there {
            message.push_str(&format!("Authorization header requires '{name}' parameter. "));
        }
    }
    if !headers.contains_key("x-amz-date") && !headers.contains_key(http::header::DATE) {
        message.push_str(
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ",
        );
    }
    if message.is_empty() {
        return Ok(credential.to_owned());
    }
    let echo: String = header.chars().take(ECHO_CHARS_MAX).collect();
    Err(Exception::client("IncompleteSignatureException", format!("{message}Authorization={echo}")))
}

fn in_query(query: &[(&str, &str)]) -> Result<String, Exception> {
    let find = |name: &str| query.iter().find(|pair| pair.0 == name && !pair.1.is_empty());
    let mut message = String::new();
    for name in [
        "X-Amz-Algorithm",
        "X-Amz-Credential",
        "X-Amz-Signature",
        "X-Amz-SignedHeaders",
        "X-Amz-Date",
    ] {
        if find(name).is_none() {
            message.push_str(&format!("AWS query-string parameters must include '{name}'. "));
        }
    }
    match find("X-Amz-Credential") {
        Some((_, credential)) if message.is_empty() => Ok(credential.replace("%2F", "/")),
        _ => Err(Exception::client(
            "IncompleteSignatureException",
            format!("{message}Re-examine the query-string parameters."),
        )),
    }
}

/// `KEY/DATE/REGION/SERVICE/aws4_request`: an access key of twelve digits is an account.
fn caller_of(scope: &str, defaults: &Defaults) -> Caller {
    let mut parts = scope.split('/');
    let key = parts.next().unwrap_or_default();
    let region = parts.nth(1).unwrap_or_default();
    let is_account = key.len() == 12 && key.bytes().all(|b| b.is_ascii_digit());
    let is_region = !region.is_empty()
        && region.len() <= 32
        && region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    Caller {
        account: if is_account { key } else { &defaults.account }.to_owned(),
        region: if is_region { region } else { &defaults.region }.to_owned(),
    }
}
