//! Enhanced fan-out.

use crate::api::streams::constraints::{
    consumer_arn, dry_run, integer, next_token, required_stream_arn, stream_arn, stream_id, tags,
    word,
};
use crate::wire::{CONSUMER_ARN, Kind, Member, SEQUENCE_NUMBER, Shape, Text};

pub(in crate::api::streams) static REGISTER_STREAM_CONSUMER: Shape = Shape {
    name: "RegisterStreamConsumerInput",
    members: &[
        required_stream_arn(),
        Member::required("ConsumerName", word(1, 128)),
        stream_id(),
        tags(),
    ],
};

pub(in crate::api::streams) static DEREGISTER_STREAM_CONSUMER: Shape = Shape {
    name: "DeregisterStreamConsumerInput",
    members: &[
        stream_arn(),
        Member::optional("ConsumerName", word(1, 128)),
        consumer_arn(),
        stream_id(),
    ],
};

pub(in crate::api::streams) static DESCRIBE_STREAM_CONSUMER: Shape = Shape {
    name: "DescribeStreamConsumerInput",
    members: &[
        stream_arn(),
        Member::optional("ConsumerName", word(1, 128)),
        consumer_arn(),
        stream_id(),
    ],
};

pub(in crate::api::streams) static LIST_STREAM_CONSUMERS: Shape = Shape {
    name: "ListStreamConsumersInput",
    members: &[
        required_stream_arn(),
        next_token(),
        Member::optional("MaxResults", integer(1, 10_000)),
        Member::optional("StreamCreationTimestamp", Kind::Timestamp),
        stream_id(),
    ],
};

pub(in crate::api::streams) static STARTING_POSITION: Shape = Shape {
    name: "StartingPosition",
    members: &[
        Member::required(
            "Type",
            Kind::Text(Text::one_of(&[
                "AFTER_SEQUENCE_NUMBER",
                "LATEST",
                "AT_TIMESTAMP",
                "AT_SEQUENCE_NUMBER",
                "TRIM_HORIZON",
            ])),
        ),
        Member::optional(
            "SequenceNumber",
            Kind::Text(Text::matching(0, i64::MAX, &SEQUENCE_NUMBER)),
        ),
        Member::optional("Timestamp", Kind::Timestamp),
    ],
};

pub(in crate::api::streams) static SUBSCRIBE_TO_SHARD: Shape = Shape {
    name: "SubscribeToShardInput",
    members: &[
        Member::required("ConsumerARN", Kind::Text(Text::matching(1, 2048, &CONSUMER_ARN))),
        stream_id(),
        Member::required("ShardId", word(1, 128)),
        Member::required("StartingPosition", Kind::Structure(&STARTING_POSITION)),
        dry_run(),
    ],
};
