//! Listing shards and resharding.

use crate::api::streams::constraints::{
    integer, next_token, stream_arn, stream_id, stream_name, word,
};
use crate::wire::{Bounds, HASH_KEY, Kind, Member, Shape, Text};

pub(in crate::api::streams) static SHARD_FILTER: Shape = Shape {
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

pub(in crate::api::streams) static LIST_SHARDS: Shape = Shape {
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

pub(in crate::api::streams) static SPLIT_SHARD: Shape = Shape {
    name: "SplitShardInput",
    members: &[
        stream_name(),
        Member::required("ShardToSplit", word(1, 128)),
        Member::required("NewStartingHashKey", Kind::Text(Text::matching(0, i64::MAX, &HASH_KEY))),
        stream_arn(),
        stream_id(),
    ],
};

pub(in crate::api::streams) static MERGE_SHARDS: Shape = Shape {
    name: "MergeShardsInput",
    members: &[
        stream_name(),
        Member::required("ShardToMerge", word(1, 128)),
        Member::required("AdjacentShardToMerge", word(1, 128)),
        stream_arn(),
        stream_id(),
    ],
};

pub(in crate::api::streams) static UPDATE_SHARD_COUNT: Shape = Shape {
    name: "UpdateShardCountInput",
    members: &[
        stream_name(),
        Member::required("TargetShardCount", Kind::Integer(Bounds::from(1))),
        Member::required("ScalingType", Kind::Text(Text::one_of(&["UNIFORM_SCALING"]))),
        stream_arn(),
        stream_id(),
    ],
};
