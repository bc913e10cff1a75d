//! Records on their way out: as `GetRecords` and subscriptions write them.

use flowstone_engine::shard::Read;
use flowstone_engine::types::{SeqNo, Timestamp};

use crate::api::streams::model::write_hash_range;
use crate::service::{SequenceNumber, ShardRow, Stream, shard_name};
use crate::wire::Writer;

/// Writes what was read of `shard` as the member `Records`.
pub(super) fn write_records(out: &mut Writer, stream: &Stream, shard: &ShardRow, read: &Read) {
    let is_encrypted = stream.row.encryption_key.is_some();
    let number = |seq: SeqNo, arrival: Timestamp| {
        SequenceNumber::of_record(shard.created_s(), shard.index, seq, arrival.0 / 1000)
    };
    out.begin_list_in("Records");
    for record in read.records() {
        out.begin_map();
        out.text("SequenceNumber", number(record.seq, record.arrival).digits().as_str());
        out.timestamp("ApproximateArrivalTimestamp", record.arrival.0);
        out.blob("Data", record.record.data);
        // A key of no bytes is none: the producer gave none, and the stream needs none.
        if !record.record.key.is_empty() {
            // Keys come from requests, which are UTF-8; the engine does not promise it.
            out.text("PartitionKey", &String::from_utf8_lossy(record.record.key));
        }
        if is_encrypted {
            out.text("EncryptionType", "KMS");
        }
        out.end_map();
    }
    out.end_list();
}

/// The shards that go on where `shard` was closed: consumers move to them.
pub(super) fn write_children(out: &mut Writer, stream: &Stream, shard: &ShardRow) {
    out.begin_list_in("ChildShards");
    for child in stream.children(shard.index) {
        out.begin_map();
        out.text("ShardId", &child.name());
        out.begin_list_in("ParentShards");
        for parent in child.parent.iter().chain(&child.adjacent_parent) {
            out.text_item(&shard_name(*parent));
        }
        out.end_list();
        write_hash_range(out, child);
        out.end_map();
    }
    out.end_list();
}

/// How far the answer is behind the newest record: 0 only at the end, where consumers rely on it.
pub(super) fn behind_ms(read: &Read, now: Timestamp, is_at_end: bool) -> u64 {
    match read.last_arrival() {
        Some(arrival) if !is_at_end => now.minus_ms(arrival.0).0.max(1),
        _ => 0,
    }
}
