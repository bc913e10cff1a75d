//! One file an operation: `Input`, its answer, and `run`.

pub(super) mod acknowledge_dead_letter_queue_records;
pub(super) mod acknowledge_queue_records;
pub(super) mod create_queue;
pub(super) mod create_stream;
pub(super) mod decrease_stream_retention_period;
pub(super) mod delete_queue;
pub(super) mod delete_stream;
pub(super) mod describe_queue;
pub(super) mod describe_stream;
pub(super) mod describe_stream_summary;
pub(super) mod get_records;
pub(super) mod get_shard_iterator;
pub(super) mod increase_stream_retention_period;
pub(super) mod list_queues;
pub(super) mod list_shards;
pub(super) mod list_streams;
pub(super) mod put_record;
pub(super) mod put_records;
pub(super) mod receive_dead_letter_queue_records;
pub(super) mod receive_queue_records;
pub(super) mod restore_dead_letter_queue_records;
pub(super) mod update_dead_letter_queue_records_visibility;
pub(super) mod update_queue;
pub(super) mod update_queue_records_visibility;
