//! Each operation's input: members, kinds, bounds. Nothing else checks what is said here.
//!
//! | file           | owns the inputs of |
//! |----------------|--------------------|
//! | `streams.rs`   | making, deleting, describing and listing streams |
//! | `settings.rs`  | changing a stream's settings |
//! | `account.rs`   | an account's limits and settings |
//! | `tags.rs`      | tags, old style and new |
//! | `policies.rs`  | resource policies |
//! | `shards.rs`    | listing shards and resharding |
//! | `records.rs`   | putting and getting records |
//! | `consumers.rs` | enhanced fan-out |
//! | `queues.rs`    | queues and their records |
//!
//! The tables follow the published service model; a gate compares them with the newest one.

mod account;
mod consumers;
mod policies;
mod queues;
mod records;
mod settings;
mod shards;
mod streams;
mod tags;

use crate::wire::{
    Bounds, CONSUMER_ARN, HASH_KEY, Kind, Member, QUEUE_ARN, RESOURCE_ARN, STREAM_ARN, STREAM_ID,
    Text, WORD,
};

pub(super) use account::*;
pub(super) use consumers::*;
pub(super) use policies::*;
pub(super) use queues::*;
pub(super) use records::*;
pub(super) use settings::*;
pub(super) use shards::*;
pub(super) use streams::*;
pub(super) use tags::*;

/// Bytes of a record's data, whatever its stream allows.
const DATA_BYTES_MAX: i64 = 10 * 1024 * 1024;

/// Records in one answer of `GetRecords`.
pub(super) const GET_RECORDS_MAX: i64 = 10_000;

const fn word(min: i64, max: i64) -> Kind {
    Kind::Text(Text::matching(min, max, &WORD))
}

const fn integer(min: i64, max: i64) -> Kind {
    Kind::Integer(Bounds::new(min, max))
}

const fn stream_name() -> Member {
    Member::optional("StreamName", word(1, 128))
}

const fn stream_arn() -> Member {
    Member::optional("StreamARN", Kind::Text(Text::matching(1, 2048, &STREAM_ARN)))
}

const fn required_stream_arn() -> Member {
    Member::required("StreamARN", Kind::Text(Text::matching(1, 2048, &STREAM_ARN)))
}

const fn stream_id() -> Member {
    Member::optional("StreamId", Kind::Text(Text::matching(1, 24, &STREAM_ID)))
}

const fn consumer_arn() -> Member {
    Member::optional("ConsumerARN", Kind::Text(Text::matching(1, 2048, &CONSUMER_ARN)))
}

const fn queue_arn() -> Member {
    Member::required("QueueARN", Kind::Text(Text::matching(1, 2048, &QUEUE_ARN)))
}

const fn resource_arn() -> Member {
    Member::required("ResourceARN", Kind::Text(Text::matching(1, 2048, &RESOURCE_ARN)))
}

const fn dry_run() -> Member {
    Member::optional("DryRun", Kind::Boolean)
}

const fn next_token() -> Member {
    Member::optional("NextToken", Kind::Text(Text::new(1, 1_048_576)))
}

const fn tag_map() -> Kind {
    Kind::Map(Bounds::new(1, 200), Bounds::new(1, 128), Bounds::new(0, 256))
}

const fn tags() -> Member {
    Member::optional("Tags", tag_map())
}

const fn data() -> Member {
    Member::required("Data", Kind::Blob(Bounds::new(0, DATA_BYTES_MAX)))
}

const fn partition_key() -> Member {
    Member::optional("PartitionKey", Kind::Text(Text::new(1, 256)))
}

const fn explicit_hash_key() -> Member {
    Member::optional("ExplicitHashKey", Kind::Text(Text::matching(0, i64::MAX, &HASH_KEY)))
}
