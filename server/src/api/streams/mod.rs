//! Kinesis Data Streams: target `Kinesis_20131202`.
//!
//! The operations, each with its file in `ops/`, its shape and its known divergence, are in the
//! table at the end of this file; `DESIGN.md` shows the same table, and a test holds them together.
//!
//! Everywhere: addressing by `StreamId` is refused. Operations that are not served answer 400
//! `InvalidArgumentException` "Flowstone does not serve X yet": a status that SDKs do not retry.

mod admission;
mod constraints;
mod daily;
mod error;
mod fan_out;
mod model;
mod ops;
mod placement;
mod policy;
mod position;
mod queues;
mod rates;
mod records;
mod resharding;
mod resource;
mod state;
mod subscription;
mod warmth;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::api::Answer;
use crate::wire::{Caller, Exception, Fields, Format, Shape, Writer, check, read};

pub use daily::DAILY_CHANGES_KEPT;
pub use rates::CallRates;
pub use state::{Limits, State};

/// The part of `X-Amz-Target` before the dot.
pub const TARGET: &str = "Kinesis_20131202";

/// How far an operation is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Served {
    /// As the model says, but for the divergence that is written beside it.
    Whole,
    /// In part; what is missing is written beside it.
    Partly,
    /// Not at all.
    Not,
}

macro_rules! operations {
    (
        served { $($name:ident => $module:ident $shape:ident $served:ident $note:literal,)* }
        later { $($later:ident $($later_shape:ident)?,)* }
    ) => {
        /// An operation of the service model.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Operation {
            $(#[doc = concat!("`", stringify!($name), "`.")] $name,)*
            $(#[doc = concat!("`", stringify!($later), "`, not served.")] $later,)*
        }

        impl Operation {
            /// All operations of the model, served or not.
            pub const ALL: &'static [Operation] =
                &[$(Operation::$name,)* $(Operation::$later,)*];

            /// The operation called `name`, served or not; `None` when the model has none.
            #[must_use]
            pub fn parse(name: &str) -> Option<Operation> {
                match name {
                    $(stringify!($name) => Some(Operation::$name),)*
                    $(stringify!($later) => Some(Operation::$later),)*
                    _ => None,
                }
            }

            /// Its name in the model.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Operation::$name => stringify!($name),)*
                    $(Operation::$later => stringify!($later),)*
                }
            }

            /// How far it is served, and how that differs from the real service.
            #[must_use]
            pub fn served(self) -> (Served, &'static str) {
                match self {
                    $(Operation::$name => (Served::$served, $note),)*
                    $(Operation::$later)|* => (Served::Not, ""),
                }
            }

            /// The shape of its input; `None` when there is none yet.
            #[must_use]
            pub fn input(self) -> Option<&'static Shape> {
                match self {
                    $(Operation::$name => Some(&constraints::$shape),)*
                    $($(Operation::$later => Some(&constraints::$later_shape),)?)*
                    #[allow(unreachable_patterns, reason = "once all have a shape")]
                    _ => None,
                }
            }
        }

        /// Reads `body` as the operation's input, runs it, and answers in the same format.
        pub async fn dispatch(
            state: &Arc<State>,
            caller: &Caller,
            operation: Operation,
            format: Format,
            body: &[u8],
        ) -> Result<Answer, Exception> {
            match operation {
                $(Operation::$name => {
                    let shape = &constraints::$shape;
                    let values = read(format, shape, body)?;
                    check(shape, &values)?;
                    let fields = Fields::new(shape, &values);
                    let input = ops::$module::Input::read(caller, fields)?;
                    rates::admit(state, caller, operation, fields)?;
                    let output = ops::$module::run(state, input).await?;
                    Ok(output.write(Writer::new(format)))
                })*
                _ => Err(Exception::invalid_argument(format!(
                    "Flowstone does not serve {} yet.",
                    operation.name()
                ))),
            }
        }
    };
}

operations! {
    served {
        AcknowledgeDeadLetterQueueRecords => acknowledge_dead_letter_queue_records
            ACKNOWLEDGE_DEAD_LETTER_QUEUE_RECORDS Whole "",
        AcknowledgeQueueRecords => acknowledge_queue_records ACKNOWLEDGE_QUEUE_RECORDS Whole "",
        AddTagsToStream => add_tags_to_stream ADD_TAGS_TO_STREAM Whole "",
        CreateQueue => create_queue CREATE_QUEUE Whole "ACTIVE and durable when it answers",
        CreateStream => create_stream CREATE_STREAM Whole "ACTIVE and durable when it answers",
        DecreaseStreamRetentionPeriod => decrease_stream_retention_period
            DECREASE_STREAM_RETENTION_PERIOD Whole "",
        DeleteQueue => delete_queue DELETE_QUEUE Whole "gone when it answers",
        DeleteResourcePolicy => delete_resource_policy DELETE_RESOURCE_POLICY Whole "",
        DeleteStream => delete_stream DELETE_STREAM Whole "gone when it answers",
        DeregisterStreamConsumer => deregister_stream_consumer
            DEREGISTER_STREAM_CONSUMER Whole "gone when it answers",
        DescribeAccountSettings => describe_account_settings DESCRIBE_ACCOUNT_SETTINGS Whole "",
        DescribeLimits => describe_limits DESCRIBE_LIMITS Whole "no channels",
        DescribeQueue => describe_queue DESCRIBE_QUEUE Whole "",
        DescribeStream => describe_stream DESCRIBE_STREAM Whole "",
        DescribeStreamConsumer => describe_stream_consumer DESCRIBE_STREAM_CONSUMER Whole "",
        DescribeStreamSummary => describe_stream_summary
            DESCRIBE_STREAM_SUMMARY Whole "no StreamId",
        DisableEnhancedMonitoring => disable_enhanced_monitoring
            DISABLE_ENHANCED_MONITORING Whole "",
        EnableEnhancedMonitoring => enable_enhanced_monitoring ENABLE_ENHANCED_MONITORING Whole "",
        GetRecords => get_records GET_RECORDS Whole "",
        GetResourcePolicy => get_resource_policy GET_RESOURCE_POLICY Whole "",
        GetShardIterator => get_shard_iterator GET_SHARD_ITERATOR Whole "",
        IncreaseStreamRetentionPeriod => increase_stream_retention_period
            INCREASE_STREAM_RETENTION_PERIOD Whole "",
        ListQueues => list_queues LIST_QUEUES Whole "",
        ListShards => list_shards LIST_SHARDS Whole "",
        ListStreamConsumers => list_stream_consumers LIST_STREAM_CONSUMERS Whole "",
        ListStreams => list_streams LIST_STREAMS Whole "",
        ListTagsForResource => list_tags_for_resource LIST_TAGS_FOR_RESOURCE Whole "",
        ListTagsForStream => list_tags_for_stream LIST_TAGS_FOR_STREAM Whole "",
        MergeShards => merge_shards MERGE_SHARDS Whole "done and ACTIVE when it answers",
        PutRecord => put_record
            PUT_RECORD Whole "SequenceNumberForOrdering orders nothing: numbers of a shard grow anyway",
        PutRecords => put_records PUT_RECORDS Whole "records of a shard keep their order",
        PutResourcePolicy => put_resource_policy
            PUT_RESOURCE_POLICY Partly "stored and validated, not enforced yet",
        ReceiveDeadLetterQueueRecords => receive_dead_letter_queue_records
            RECEIVE_DEAD_LETTER_QUEUE_RECORDS Whole "",
        ReceiveQueueRecords => receive_queue_records RECEIVE_QUEUE_RECORDS Whole "",
        RegisterStreamConsumer => register_stream_consumer
            REGISTER_STREAM_CONSUMER Whole "ACTIVE and durable when it answers",
        RemoveTagsFromStream => remove_tags_from_stream REMOVE_TAGS_FROM_STREAM Whole "",
        RestoreDeadLetterQueueRecords => restore_dead_letter_queue_records
            RESTORE_DEAD_LETTER_QUEUE_RECORDS Whole "",
        SplitShard => split_shard SPLIT_SHARD Whole "done and ACTIVE when it answers",
        StartStreamEncryption => start_stream_encryption
            START_STREAM_ENCRYPTION Partly "state and validation; records are not encrypted yet",
        StopStreamEncryption => stop_stream_encryption STOP_STREAM_ENCRYPTION Whole "",
        SubscribeToShard => subscribe_to_shard
            SUBSCRIBE_TO_SHARD Whole "a reader that has gone gives its place back at once, not after 5 s",
        TagResource => tag_resource TAG_RESOURCE Whole "",
        UntagResource => untag_resource UNTAG_RESOURCE Whole "",
        UpdateAccountSettings => update_account_settings UPDATE_ACCOUNT_SETTINGS Whole "",
        UpdateDeadLetterQueueRecordsVisibility => update_dead_letter_queue_records_visibility
            UPDATE_DEAD_LETTER_QUEUE_RECORDS_VISIBILITY Whole "",
        UpdateMaxRecordSize => update_max_record_size UPDATE_MAX_RECORD_SIZE Whole "",
        UpdateQueue => update_queue UPDATE_QUEUE Whole "done when it answers",
        UpdateQueueRecordsVisibility => update_queue_records_visibility
            UPDATE_QUEUE_RECORDS_VISIBILITY Whole "",
        UpdateShardCount => update_shard_count
            UPDATE_SHARD_COUNT Whole "done and ACTIVE when it answers; ends with even ranges, for which it may make more shards in between",
        UpdateStreamMode => update_stream_mode UPDATE_STREAM_MODE Whole "",
        UpdateStreamRecordDistributionStrategy => update_stream_record_distribution_strategy
            UPDATE_STREAM_RECORD_DISTRIBUTION_STRATEGY Whole "",
        UpdateStreamWarmThroughput => update_stream_warm_throughput
            UPDATE_STREAM_WARM_THROUGHPUT Whole "validated and kept; nothing is scaled",
    }
    later {
        CreateChannel,
        DeleteChannel,
        DescribeChannel,
        ListChannels,
        UpdateChannel,
    }
}
