//! The order of checks that all JSON services share, before any operation runs.
//!
//! empty body, content type, document, operation, credentials; then the operation's own: types,
//! constraints, the rest. Clients see the first that fails, as on the real service.

use std::sync::Arc;

use http::StatusCode;
use http::header::CONTENT_TYPE;

use crate::api::streams::{self, Operation};
use crate::api::{Arrived, Reply};
use crate::wire::{Defaults, Exception, Format, is_document, read_caller};

const JSON: &str = "application/x-amz-json-1.1";
const CBOR: &str = "application/x-amz-cbor-1.1";
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
        let target = header("x-amz-target").and_then(|target| target.split_once('.'));
        let operation = match target {
            Some((streams::TARGET, name)) => Operation::parse(name),
            _ => None,
        };
        let body = &arrived.body;
        if body.is_empty() {
            return reply(&match operation {
                Some(_) => Exception::unreadable(),
                None => Exception::unknown_operation(),
            });
        }
        match content_type {
            JSON => {}
            CBOR => {
                let message = "CBOR is not served yet: set AWS_CBOR_DISABLE=true, or \
                               -Daws.cborEnabled=false for Java";
                return reply(&Exception::serialization(message));
            }
            PLAIN_JSON => return deprecated(is_document(Format::Json, body)),
            _ => {
                let body = b"<UnknownOperationException/>\n".to_vec();
                return Reply::new(StatusCode::NOT_FOUND, None, body);
            }
        }
        // A known operation with credentials parses its body once, by itself.
        let unless_unreadable = |exception: Exception| {
            reply(&if is_document(Format::Json, body) {
                exception
            } else {
                Exception::unreadable()
            })
        };
        let Some(operation) = operation else {
            return unless_unreadable(Exception::unknown_operation());
        };
        let caller = match read_caller(&arrived.headers, arrived.query.as_deref(), &self.defaults) {
            Ok(caller) => caller,
            Err(exception) => return unless_unreadable(exception),
        };
        match streams::dispatch(&self.streams, &caller, operation, Format::Json, body).await {
            Ok(answer) => Reply {
                status: StatusCode::OK,
                content_type: Some(JSON),
                body: answer.body,
                hold: answer.hold,
            },
            Err(exception) => {
                tracing::debug!(
                    operation = operation.name(),
                    code = exception.code,
                    message = exception.message.as_deref(),
                    "refused"
                );
                reply(&exception)
            }
        }
    }
}

fn reply(exception: &Exception) -> Reply {
    Reply::new(exception.status, Some(JSON), exception.body(Format::Json))
}

/// What the service answers to a content type that it has given up.
fn deprecated(is_document: bool) -> Reply {
    let code = if is_document { "UnknownOperationException" } else { "SerializationException" };
    let body = format!(
        "{{\"Output\":{{\"__type\":\"com.amazon.coral.service#{code}\"}},\"Version\":\"1.0\"}}"
    );
    let status = if is_document { StatusCode::NOT_FOUND } else { StatusCode::BAD_REQUEST };
    Reply::new(status, Some(PLAIN_JSON), body.into_bytes())
}
