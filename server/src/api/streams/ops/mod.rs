//! One file an operation: `Input`, its answer, and `run`.

pub(super) mod create_stream;
pub(super) mod decrease_stream_retention_period;
pub(super) mod delete_stream;
pub(super) mod deregister_stream_consumer;
pub(super) mod describe_stream;
pub(super) mod describe_stream_consumer;
pub(super) mod describe_stream_summary;
pub(super) mod get_records;
pub(super) mod get_shard_iterator;
pub(super) mod increase_stream_retention_period;
pub(super) mod list_shards;
pub(super) mod list_stream_consumers;
pub(super) mod list_streams;
pub(super) mod merge_shards;
pub(super) mod put_record;
pub(super) mod put_records;
pub(super) mod register_stream_consumer;
pub(super) mod split_shard;
pub(super) mod subscribe_to_shard;
pub(super) mod update_shard_count;
