//! Making, deleting, describing and listing streams.

use crate::api::streams::constraints::{
    integer, next_token, stream_arn, stream_id, stream_name, tags, word,
};
use crate::wire::{Bounds, Kind, Member, Shape, Text};

pub(in crate::api::streams) static STREAM_MODE_DETAILS: Shape = Shape {
    name: "StreamModeDetails",
    members: &[Member::required(
        "StreamMode",
        Kind::Text(Text::one_of(&["PROVISIONED", "ON_DEMAND"])),
    )],
};

pub(in crate::api::streams) static CREATE_STREAM: Shape = Shape {
    name: "CreateStreamInput",
    members: &[
        Member::required("StreamName", word(1, 128)),
        Member::optional("ShardCount", Kind::Integer(Bounds::from(1))),
        Member::optional("StreamModeDetails", Kind::Structure(&STREAM_MODE_DETAILS)),
        tags(),
        Member::optional("WarmThroughputMiBps", Kind::Integer(Bounds::from(0))),
        Member::optional("MaxRecordSizeInKiB", integer(1024, 10_240)),
        Member::optional(
            "RecordDistributionStrategy",
            Kind::Text(Text::one_of(&["AUTO", "USER_PARTITION_KEY"])),
        ),
    ],
};

pub(in crate::api::streams) static DELETE_STREAM: Shape = Shape {
    name: "DeleteStreamInput",
    members: &[
        stream_name(),
        Member::optional("EnforceConsumerDeletion", Kind::Boolean),
        stream_arn(),
        stream_id(),
    ],
};

pub(in crate::api::streams) static DESCRIBE_STREAM: Shape = Shape {
    name: "DescribeStreamInput",
    members: &[
        stream_name(),
        Member::optional("Limit", integer(1, 10_000)),
        Member::optional("ExclusiveStartShardId", word(1, 128)),
        stream_arn(),
        stream_id(),
    ],
};

pub(in crate::api::streams) static DESCRIBE_STREAM_SUMMARY: Shape = Shape {
    name: "DescribeStreamSummaryInput",
    members: &[stream_name(), stream_arn(), stream_id()],
};

pub(in crate::api::streams) static LIST_STREAMS: Shape = Shape {
    name: "ListStreamsInput",
    members: &[
        Member::optional("Limit", integer(1, 10_000)),
        Member::optional("ExclusiveStartStreamName", word(1, 128)),
        next_token(),
    ],
};
