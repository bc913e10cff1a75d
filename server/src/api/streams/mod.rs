//! Kinesis Data Streams: target `Kinesis_20131202`.
//!
//! | operation | file in `ops/` | engine verb | known divergence |
//! |-----------|----------------|-------------|------------------|
//! | `CreateStream` | `create_stream.rs` | `create_shards` | ACTIVE and durable when it answers |
//! | `DeleteStream` | `delete_stream.rs` | `delete_shards` | gone when it answers |
//! | `DescribeStream` | `describe_stream.rs` | | |
//! | `DescribeStreamSummary` | `describe_stream_summary.rs` | | no `StreamId` |
//! | `GetRecords` | `get_records.rs` | `read` | no 2 MiB/s, no 5 calls/s |
//! | `GetShardIterator` | `get_shard_iterator.rs` | `resolve`, `watermarks` | |
//! | `ListShards` | `list_shards.rs` | | |
//! | `ListStreams` | `list_streams.rs` | | |
//! | `PutRecord` | `put_record.rs` | `append` | `SequenceNumberForOrdering` is only checked |
//! | `PutRecords` | `put_records.rs` | `append` | records of a shard keep their order |
//!
//! Everywhere: addressing by `StreamId` is refused. The model's other operations answer 400
//! `InvalidArgumentException` "Flowstone does not serve X yet": a status that SDKs do not retry.

mod constraints;
mod error;
mod model;
mod ops;
mod state;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::api::Answer;
use crate::wire::{Caller, Exception, Fields, check, read_json};

pub use state::{Limits, State};

/// The part of `X-Amz-Target` before the dot.
pub const TARGET: &str = "Kinesis_20131202";

macro_rules! operations {
    (served { $($name:ident => $module:ident $shape:ident,)* } later { $($later:ident)* }) => {
        /// An operation of the service model.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Operation {
            $(#[doc = concat!("`", stringify!($name), "`.")] $name,)*
            /// One that is not served yet.
            Later(&'static str),
        }

        impl Operation {
            /// The operation called `name`, served or not; `None` when the model has none.
            #[must_use]
            pub fn parse(name: &str) -> Option<Operation> {
                match name {
                    $(stringify!($name) => Some(Operation::$name),)*
                    $(stringify!($later) => Some(Operation::Later(stringify!($later))),)*
                    _ => None,
                }
            }

            /// All operations of the model, served or not.
            pub const ALL: &'static [Operation] = &[
                $(Operation::$name,)*
                $(Operation::Later(stringify!($later)),)*
            ];

            /// Its name in the model.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Operation::$name => stringify!($name),)*
                    Operation::Later(name) => name,
                }
            }
        }

        /// Reads `body` as the operation's input and runs it.
        pub async fn dispatch(
            state: &Arc<State>,
            caller: &Caller,
            operation: Operation,
            body: &[u8],
        ) -> Result<Answer, Exception> {
            match operation {
                $(Operation::$name => {
                    let shape = &constraints::$shape;
                    let values = read_json(shape, body)?;
                    check(shape, &values)?;
                    let fields = Fields::new(shape, &values);
                    let input = ops::$module::Input::read(caller, fields)?;
                    ops::$module::run(state, input).await.map(Answer::from)
                })*
                Operation::Later(name) => Err(Exception::invalid_argument(format!(
                    "Flowstone does not serve {name} yet."
                ))),
            }
        }
    };
}

operations! {
    served {
        CreateStream => create_stream CREATE_STREAM,
        DeleteStream => delete_stream DELETE_STREAM,
        DescribeStream => describe_stream DESCRIBE_STREAM,
        DescribeStreamSummary => describe_stream_summary DESCRIBE_STREAM_SUMMARY,
        GetRecords => get_records GET_RECORDS,
        GetShardIterator => get_shard_iterator GET_SHARD_ITERATOR,
        ListShards => list_shards LIST_SHARDS,
        ListStreams => list_streams LIST_STREAMS,
        PutRecord => put_record PUT_RECORD,
        PutRecords => put_records PUT_RECORDS,
    }
    later {
        AcknowledgeDeadLetterQueueRecords AcknowledgeQueueRecords AddTagsToStream CreateChannel
        CreateQueue DecreaseStreamRetentionPeriod DeleteChannel DeleteQueue DeleteResourcePolicy
        DeregisterStreamConsumer DescribeAccountSettings DescribeChannel DescribeLimits
        DescribeQueue DescribeStreamConsumer DisableEnhancedMonitoring EnableEnhancedMonitoring
        GetResourcePolicy IncreaseStreamRetentionPeriod ListChannels ListQueues
        ListStreamConsumers ListTagsForResource ListTagsForStream MergeShards PutResourcePolicy
        ReceiveDeadLetterQueueRecords ReceiveQueueRecords RegisterStreamConsumer
        RemoveTagsFromStream RestoreDeadLetterQueueRecords SplitShard StartStreamEncryption
        StopStreamEncryption SubscribeToShard TagResource UntagResource UpdateAccountSettings
        UpdateChannel UpdateDeadLetterQueueRecordsVisibility UpdateMaxRecordSize UpdateQueue
        UpdateQueueRecordsVisibility UpdateShardCount UpdateStreamMode
        UpdateStreamRecordDistributionStrategy UpdateStreamWarmThroughput
    }
}
