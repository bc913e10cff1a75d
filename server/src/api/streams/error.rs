//! This service's exceptions, in its words.

use flowstone_engine::types::Timestamp;

use crate::api::streams::model::status;
use crate::service::{ChangeError, ITERATOR_LIFE_MS, PutError, State, StreamKey, java_date};
use crate::wire::Exception;

pub(super) fn stream_not_found(name: &str, account: &str) -> Exception {
    not_found(format!("Stream {name} under account {account} not found."))
}

pub(super) fn shard_not_found(shard: &str, name: &str, account: &str) -> Exception {
    not_found(format!("Shard {shard} in stream {name} under account {account} does not exist"))
}

pub(super) fn shard_malformed(shard: &str, name: &str, account: &str) -> Exception {
    not_found(format!("Could not find shard {shard} in stream {name} under account {account}."))
}

pub(super) fn consumer_not_found(name: &str, stream: &str, account: &str) -> Exception {
    not_found(format!("Consumer {name} under stream {stream} under account {account} not found."))
}

pub(super) fn not_found(message: String) -> Exception {
    Exception::client("ResourceNotFoundException", message)
}

pub(super) fn stream_in_use(message: String) -> Exception {
    Exception::client("ResourceInUseException", message)
}

/// Why a stream was not changed or deleted.
pub(super) fn not_changed<E: Into<Exception>>(
    key: StreamKey<'_>,
    error: ChangeError<E>,
) -> Exception {
    let StreamKey { account, name, .. } = key;
    match error {
        ChangeError::NotFound | ChangeError::NotActive(State::Deleting) => {
            stream_not_found(name, account)
        }
        ChangeError::NotActive(state) => stream_in_use(format!(
            "Stream {name} under account {account} not ACTIVE, instead in state {}",
            status(state)
        )),
        ChangeError::Refused(refusal) => refusal.into(),
        ChangeError::Engine(error) => error.into(),
    }
}

/// Why records were not put.
pub(super) fn not_put(key: StreamKey<'_>, error: PutError<Exception>) -> Exception {
    match error {
        PutError::Gone => stream_not_found(key.name, key.account),
        PutError::Batch(exception) => exception,
    }
}

pub(super) fn limit_exceeded(message: String) -> Exception {
    Exception::client("LimitExceededException", message)
}

pub(super) fn shard_limit(key: StreamKey<'_>, current: usize, max: usize, more: u32) -> Exception {
    let StreamKey { account, region, .. } = key;
    limit_exceeded(format!(
        "This request would exceed the shard limit for the account {account} in {region}. \
         Current shard count for the account: {current}. Limit: {max}. Number of additional \
         shards that would have resulted from this request: {more}. Refer to the AWS Service \
         Limits page (http://docs.aws.amazon.com/general/latest/gr/aws_service_limits.html) for \
         current limits and how to request higher limits."
    ))
}

pub(super) fn expired_iterator(created: Timestamp, now: Timestamp) -> Exception {
    let message = format!(
        "Iterator expired. The iterator was created at time {} while right now it is {} which is \
         further in the future than the tolerated delay of {ITERATOR_LIFE_MS} milliseconds.",
        java_date(created),
        java_date(now)
    );
    Exception::client("ExpiredIteratorException", message)
}

pub(super) fn expired_token() -> Exception {
    let message = format!(
        "NextToken expired. It is valid for {ITERATOR_LIFE_MS} milliseconds: list from the start."
    );
    Exception::client("ExpiredNextTokenException", message)
}

pub(super) fn dry_run() -> Exception {
    let message = "Request would have succeeded, but DryRun flag is set.";
    Exception::client("DryRunOperationException", message)
}
