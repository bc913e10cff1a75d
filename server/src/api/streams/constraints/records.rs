//! Putting and getting records.

use crate::api::streams::constraints::{
    data, dry_run, explicit_hash_key, integer, partition_key, stream_arn, stream_id, stream_name,
    word,
};
use crate::wire::{Bounds, Kind, Member, SEQUENCE_NUMBER, Shape, Text};

pub(in crate::api::streams) static PUT_RECORD: Shape = Shape {
    name: "PutRecordInput",
    members: &[
        stream_name(),
        data(),
        partition_key(),
        explicit_hash_key(),
        Member::optional(
            "SequenceNumberForOrdering",
            Kind::Text(Text::matching(0, i64::MAX, &SEQUENCE_NUMBER)),
        ),
        stream_arn(),
        stream_id(),
        dry_run(),
    ],
};

pub(in crate::api::streams) static PUT_RECORDS_REQUEST_ENTRY: Shape = Shape {
    name: "PutRecordsRequestEntry",
    members: &[data(), explicit_hash_key(), partition_key()],
};

pub(in crate::api::streams) static PUT_RECORDS: Shape = Shape {
    name: "PutRecordsInput",
    members: &[
        Member::required(
            "Records",
            Kind::Structures(Bounds::new(1, 500), &PUT_RECORDS_REQUEST_ENTRY),
        ),
        stream_name(),
        stream_arn(),
        stream_id(),
        dry_run(),
    ],
};

pub(in crate::api::streams) static GET_SHARD_ITERATOR: Shape = Shape {
    name: "GetShardIteratorInput",
    members: &[
        stream_name(),
        Member::required("ShardId", word(1, 128)),
        Member::required(
            "ShardIteratorType",
            Kind::Text(Text::one_of(&[
                "AFTER_SEQUENCE_NUMBER",
                "LATEST",
                "AT_TIMESTAMP",
                "AT_SEQUENCE_NUMBER",
                "TRIM_HORIZON",
            ])),
        ),
        Member::optional(
            "StartingSequenceNumber",
            Kind::Text(Text::matching(0, i64::MAX, &SEQUENCE_NUMBER)),
        ),
        Member::optional("Timestamp", Kind::Timestamp),
        stream_arn(),
        stream_id(),
        dry_run(),
    ],
};

pub(in crate::api::streams) static GET_RECORDS: Shape = Shape {
    name: "GetRecordsInput",
    members: &[
        Member::required("ShardIterator", Kind::Text(Text::new(1, 512))),
        Member::optional("Limit", integer(1, 10_000)),
        stream_arn(),
        stream_id(),
        dry_run(),
    ],
};
