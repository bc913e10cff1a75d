//! The order of checks that all JSON services share, before any operation runs.
//!
//! empty body, content type, document, operation, credentials, the body's declared hash; then the
//! operation's own: types, constraints, the rest. Clients see the first that fails, as on the real
//! service. An answer is in the format of its request, but for events, whose payloads are JSON for
//! everybody.

use std::sync::Arc;

use http::StatusCode;
use http::header::CONTENT_TYPE;

use crate::api::streams::{self, Operation};
use crate::api::{Answer, Arrived, Body, Reply};
use crate::wire::{
    Defaults, Exception, Format, check_hash, event_stream, is_document, read_caller,
};

/// A content type that the service has given up.
const PLAIN_JSON: &str = "application/json";

/// All front-ends, and who calls when a request does not say.
#[derive(Debug)]
pub struct Door {
    /// Kinesis Data Streams.
    pub streams: Arc<streams::State>,
    /// Who calls when a request does not say.
    pub defaults: Defaults,
}

impl Door {
    /// Answers one POST.
    pub async fn answer(&self, arrived: &Arrived) -> Reply {
        let header = |name| arrived.headers.get(name).and_then(|value| value.to_str().ok());
        let content_type = header(CONTENT_TYPE.as_str()).unwrap_or_default();
        let content_type = content_type.split(';').next().unwrap_or_default().trim();
        let format = Format::of_content_type(content_type);
        let target = header("x-amz-target").and_then(|target| target.split_once('.'));
        let operation = match target {
            Some((streams::TARGET, name)) => Operation::parse(name),
            _ => None,
        };
        let body = &arrived.body;
        if body.is_empty() {
            let exception = match operation {
                Some(_) => Exception::unreadable(),
                None => Exception::unknown_operation(),
            };
            return reply(&exception, format.unwrap_or(Format::Cbor));
        }
        let Some(format) = format else {
            return match (content_type, target) {
                (PLAIN_JSON, _) => deprecated(is_document(Format::Json, body)),
                (_, Some((service, name))) if !service.is_empty() && !name.is_empty() => {
                    let body = b"<UnknownOperationException/>\n".to_vec();
                    Reply::new(StatusCode::NOT_FOUND, None, body)
                }
                _ => Reply::access_denied(),
            };
        };
        // A known operation with credentials parses its body once, by itself.
        let unless_unreadable = |exception: Exception| {
            let is_readable = is_document(format, body);
            reply(&if is_readable { exception } else { Exception::unreadable() }, format)
        };
        let Some(operation) = operation else {
            return unless_unreadable(Exception::unknown_operation());
        };
        let caller = read_caller(&arrived.headers, arrived.query.as_deref(), &self.defaults);
        let hash_check = check_hash(&arrived.headers, arrived.body_hash.as_ref());
        let caller = match caller.and_then(|caller| hash_check.map(|()| caller)) {
            Ok(caller) => caller,
            Err(exception) => return unless_unreadable(exception),
        };
        match streams::dispatch(&self.streams, &caller, operation, format, body).await {
            Ok(Answer { body, hold }) => {
                let content_type = match body {
                    Body::Whole(_) => format.content_type(),
                    Body::Events(_) => event_stream::CONTENT_TYPE,
                };
                Reply { status: StatusCode::OK, content_type: Some(content_type), body, hold }
            }
            Err(exception) => {
                tracing::debug!(
                    operation = operation.name(),
                    code = exception.code,
                    message = exception.message.as_deref(),
                    "refused"
                );
                reply(&exception, format)
            }
        }
    }
}

fn reply(exception: &Exception, format: Format) -> Reply {
    Reply::new(exception.status, Some(format.content_type()), exception.body(format))
}

/// What the service answers to a content type that it has given up.
fn deprecated(is_document: bool) -> Reply {
    let error = if is_document {
        r#""__type":"com.amazon.coral.service#UnknownOperationException","message":null"#
    } else {
        r#""__type":"com.amazon.coral.service#SerializationException","Message":null"#
    };
    let body = format!(r#"{{"Output":{{{error}}},"Version":"1.0"}}"#);
    Reply::new(StatusCode::OK, Some(PLAIN_JSON), body.into_bytes())
}
