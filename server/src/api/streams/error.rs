//! This service's exceptions, in its words.

use flowstone_engine::types::Timestamp;
use http::StatusCode;

use crate::api::streams::model::status;
use crate::service::{
    ChangeError, ITERATOR_LIFE_MS, PutError, State, StreamKey, TAGS_MAX, TagError, java_date,
};
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

pub(super) fn resource_not_found(arn: &str) -> Exception {
    not_found(format!("Resource {arn} not found."))
}

pub(super) fn no_policy() -> Exception {
    not_found("The resource has no policy.".to_owned())
}

fn not_found(message: String) -> Exception {
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

pub(super) fn on_demand_limit(key: StreamKey<'_>, max: usize) -> Exception {
    let StreamKey { account, region, .. } = key;
    limit_exceeded(format!(
        "This request would exceed the on-demand stream limit for the account {account} in \
         {region}. Limit: {max}."
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

/// A listing's token says all that `member` says.
pub(super) fn not_with_token(member: &str) -> Exception {
    Exception::invalid_argument(format!("NextToken and {member} cannot be provided together."))
}

pub(super) fn dry_run() -> Exception {
    let message = "Request would have succeeded, but DryRun flag is set.";
    Exception::client("DryRunOperationException", message)
}

/// `exception` as it ends a subscription: by one of those that the model names for its events.
pub(super) fn in_events(exception: Exception) -> Exception {
    match exception.code {
        "ResourceNotFoundException" | "ResourceInUseException" => exception,
        _ => Exception {
            code: "InternalFailureException",
            status: StatusCode::INTERNAL_SERVER_ERROR,
            message: exception.message.or(Some("The server failed.".into())),
        },
    }
}

/// Why tags were not taken.
pub(super) fn wrong_tags(error: TagError) -> Exception {
    Exception::invalid_argument(match error {
        TagError::Characters => {
            "Some tags contain invalid characters. Valid characters: Unicode letters, digits, \
             white space, _ . / = + - % @."
                .to_owned()
        }
        TagError::Reserved => {
            "Tag keys that begin with aws: are the service's own and cannot be added.".to_owned()
        }
        TagError::TooMany => format!(
            "Failed to add tags: a given resource cannot have more than {TAGS_MAX} tags associated \
             with it."
        ),
    })
}

/// Too many tags on a stream, as the older operations say it.
pub(super) fn too_many_stream_tags(StreamKey { account, name, .. }: StreamKey<'_>) -> Exception {
    Exception::invalid_argument(format!(
        "Failed to add tags to stream {name} under account {account} because a given stream cannot \
         have more than {TAGS_MAX} tags associated with it."
    ))
}

/// A setting that only streams without shards of their owner's choosing have.
pub(super) fn only_on_demand(
    what: &str,
    StreamKey { account, name, .. }: StreamKey<'_>,
) -> Exception {
    Exception::invalid_argument(format!(
        "{what} is only supported for streams in ON_DEMAND mode. Stream {name} under account \
         {account} is in PROVISIONED mode."
    ))
}

/// Too much for a shard.
pub(super) fn shard_rate_exceeded(shard: &str, stream: StreamKey<'_>) -> Exception {
    Exception::client(THROUGHPUT_EXCEEDED, shard_rate_text(shard, stream))
}

/// What is said of too much for a shard.
pub(super) fn shard_rate_text(shard: &str, stream: StreamKey<'_>) -> String {
    let StreamKey { account, name, .. } = stream;
    format!("Rate exceeded for shard {shard} in stream {name} under account {account}.")
}

/// The code of too much for a shard.
pub(super) const THROUGHPUT_EXCEEDED: &str = "ProvisionedThroughputExceededException";

/// Too many calls about a stream.
pub(super) fn stream_rate_exceeded(StreamKey { account, name, .. }: StreamKey<'_>) -> Exception {
    limit_exceeded(format!("Rate exceeded for stream {name} under account {account}."))
}

/// Too many calls of an account.
pub(super) fn account_rate_exceeded(account: &str) -> Exception {
    limit_exceeded(format!("Rate exceeded for account {account}."))
}
