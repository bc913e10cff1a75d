//! Each operation's input: members, kinds, bounds. Nothing else checks what is said here.

use crate::wire::{
    Bounds, HASH_KEY, Kind, Member, SEQUENCE_NUMBER, STREAM_ARN, STREAM_ID, Shape, Text, WORD,
};

/// Bytes of a record's data, whatever its stream allows.
const DATA_BYTES_MAX: i64 = 10 * 1024 * 1024;

/// Records in one `PutRecords`.
pub(super) const PUT_RECORDS_MAX: i64 = 500;

/// Records in one answer of `GetRecords`.
pub(super) const GET_RECORDS_MAX: i64 = 10_000;

const fn word(min: i64, max: i64) -> Kind {
    Kind::Text(Text::matching(min, max, &WORD))
}

const fn stream_name() -> Member {
    Member::optional("StreamName", word(1, 128))
}

const fn stream_arn() -> Member {
    Member::optional("StreamARN", Kind::Text(Text::matching(1, 2048, &STREAM_ARN)))
}

const fn stream_id() -> Member {
    Member::optional("StreamId", Kind::Text(Text::matching(1, 24, &STREAM_ID)))
}

const fn dry_run() -> Member {
    Member::optional("DryRun", Kind::Boolean)
}

const fn integer(min: i64, max: i64) -> Kind {
    Kind::Integer(Bounds::new(min, max))
}

const fn next_token() -> Member {
    Member::optional("NextToken", Kind::Text(Text::new(1, 1_048_576)))
}

const fn data() -> Member {
    Member::required("Data", Kind::Blob(Bounds::new(0, DATA_BYTES_MAX)))
}

const fn partition_key() -> Member {
    Member::required("PartitionKey", Kind::Text(Text::new(1, 256)))
}

const fn sequence_number(name: &'static str) -> Member {
    Member::optional(name, Kind::Text(Text::matching(0, i64::MAX, &SEQUENCE_NUMBER)))
}

const fn explicit_hash_key() -> Member {
    Member::optional("ExplicitHashKey", Kind::Text(Text::matching(0, i64::MAX, &HASH_KEY)))
}

pub(super) static STREAM_MODE_DETAILS: Shape = Shape {
    name: "StreamModeDetails",
    members: &[Member::required(
        "StreamMode",
        Kind::Text(Text::one_of(&["PROVISIONED", "ON_DEMAND"])),
    )],
};

pub(super) static CREATE_STREAM: Shape = Shape {
    name: "CreateStreamInput",
    members: &[
        Member::required("StreamName", word(1, 128)),
        Member::optional("ShardCount", Kind::Integer(Bounds::from(1))),
        Member::optional("StreamModeDetails", Kind::Structure(&STREAM_MODE_DETAILS)),
        Member::optional(
            "Tags",
            Kind::Map(Bounds::new(1, 200), Bounds::new(1, 128), Bounds::new(0, 256)),
        ),
        Member::optional("WarmThroughputMiBps", Kind::Integer(Bounds::from(0))),
        Member::optional("MaxRecordSizeInKiB", integer(1024, 10_240)),
        Member::optional(
            "RecordDistributionStrategy",
            Kind::Text(Text::one_of(&["AUTO", "USER_PARTITION_KEY"])),
        ),
    ],
};

pub(super) static DELETE_STREAM: Shape = Shape {
    name: "DeleteStreamInput",
    members: &[
        stream_name(),
        Member::optional("EnforceConsumerDeletion", Kind::Boolean),
        stream_arn(),
        stream_id(),
    ],
};

pub(super) static DESCRIBE_STREAM: Shape = Shape {
    name: "DescribeStreamInput",
    members: &[
        stream_name(),
        Member::optional("Limit", integer(1, 10_000)),
        Member::optional("ExclusiveStartShardId", word(1, 128)),
        stream_arn(),
        stream_id(),
    ],
};

pub(super) static DESCRIBE_STREAM_SUMMARY: Shape = Shape {
    name: "DescribeStreamSummaryInput",
    members: &[stream_name(), stream_arn(), stream_id()],
};

pub(super) static LIST_STREAMS: Shape = Shape {
    name: "ListStreamsInput",
    members: &[
        Member::optional("Limit", integer(1, 10_000)),
        Member::optional("ExclusiveStartStreamName", word(1, 128)),
        next_token(),
    ],
};

pub(super) static SHARD_FILTER: Shape = Shape {
    name: "ShardFilter",
    members: &[
        Member::required(
            "Type",
            Kind::Text(Text::one_of(&[
                "AFTER_SHARD_ID",
                "AT_TRIM_HORIZON",
                "FROM_TRIM_HORIZON",
                "AT_LATEST",
                "AT_TIMESTAMP",
                "FROM_TIMESTAMP",
            ])),
        ),
        Member::optional("ShardId", word(1, 128)),
        Member::optional("Timestamp", Kind::Timestamp),
    ],
};

pub(super) static LIST_SHARDS: Shape = Shape {
    name: "ListShardsInput",
    members: &[
        stream_name(),
        next_token(),
        Member::optional("ExclusiveStartShardId", word(1, 128)),
        Member::optional("MaxResults", integer(1, 10_000)),
        Member::optional("StreamCreationTimestamp", Kind::Timestamp),
        Member::optional("ShardFilter", Kind::Structure(&SHARD_FILTER)),
        stream_arn(),
        stream_id(),
    ],
};

pub(super) static PUT_RECORD: Shape = Shape {
    name: "PutRecordInput",
    members: &[
        stream_name(),
        data(),
        partition_key(),
        explicit_hash_key(),
        sequence_number("SequenceNumberForOrdering"),
        stream_arn(),
        stream_id(),
        dry_run(),
    ],
};

pub(super) static PUT_RECORDS_ENTRY: Shape = Shape {
    name: "PutRecordsRequestEntry",
    members: &[data(), explicit_hash_key(), partition_key()],
};

pub(super) static PUT_RECORDS: Shape = Shape {
    name: "PutRecordsInput",
    members: &[
        Member::required(
            "Records",
            Kind::Structures(Bounds::new(1, PUT_RECORDS_MAX), &PUT_RECORDS_ENTRY),
        ),
        stream_name(),
        stream_arn(),
        stream_id(),
        dry_run(),
    ],
};

pub(super) static GET_SHARD_ITERATOR: Shape = Shape {
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
        sequence_number("StartingSequenceNumber"),
        Member::optional("Timestamp", Kind::Timestamp),
        stream_arn(),
        stream_id(),
        dry_run(),
    ],
};

pub(super) static GET_RECORDS: Shape = Shape {
    name: "GetRecordsInput",
    members: &[
        Member::required("ShardIterator", Kind::Text(Text::new(1, 512))),
        Member::optional("Limit", integer(1, GET_RECORDS_MAX)),
        stream_arn(),
        stream_id(),
        dry_run(),
    ],
};
