//! Durable batch puts over HTTP, and the processor time that they take.

use std::io;

use super::bench::Bench;
use super::{RECORD_BYTES, Round};
use crate::anchor::disk::{Place, append_and_flush};
use crate::system::{BATCH_RECORDS, Operation, kinesis};

const NAME: &str = "batches";
const CONNECTIONS: usize = 4;

/// Bytes of a batch's data.
pub(super) const BATCH_BYTES: usize = BATCH_RECORDS * RECORD_BYTES;

pub(super) fn run(bench: &Bench) -> io::Result<Round> {
    let mut round = Round::default();
    let directory = bench.directory()?;
    let bare = bench.on_server_core(|| {
        append_and_flush(directory.path(), Place::Growing, BATCH_BYTES, bench.anchor_time)
    })?;
    drop(directory);
    let host = bench.settled()?;
    let connections = bench.kinesis(host.address(), CONNECTIONS)?;
    let before = host.processor_s()?;
    let measured = bench.closed(connections, Operation::Batch)?;
    let processor_s = host.processor_s()? - before;

    let (records, bytes) = (Operation::Batch.records(), BATCH_BYTES);
    #[expect(clippy::cast_precision_loss, reason = "batches are small")]
    let (records, megabytes) = (records as f64, bytes as f64 / 1e6);
    let anchor = ("append + fdatasync, growing file", bare.rate() * megabytes);
    round.note((NAME, "PutRecords x4, data", "MB/s"), measured.rate() * megabytes, Some(anchor));
    round.note((NAME, "PutRecords x4", "records/s"), measured.rate() * records, None);
    let latency = measured.latencies.percentiles();
    let bare_p99 = ("append + fdatasync p99", bare.latencies.at_ms(0.99));
    round.note((NAME, "PutRecords x4, p50", "ms"), latency.p50_ms, None);
    round.note((NAME, "PutRecords x4, p99", "ms"), latency.p99_ms, Some(bare_p99));
    let processor_us = processor_s * 1e6 / (bench.done(&measured) * records);
    round.note((NAME, "server's processor a record", "us"), processor_us, None);
    round.load("batches x4", &measured, records);

    let requests = kinesis::Requests::hashed_batches(RECORD_BYTES);
    let host = bench.settled()?;
    let connections = bench.kinesis_with(host.address(), CONNECTIONS, &requests)?;
    let hashed = bench.closed(connections, Operation::Batch)?;
    let what = "PutRecords x4, SHA-256 of each body checked, data";
    let anchor = ("without", measured.rate() * megabytes);
    round.note((NAME, what, "MB/s"), hashed.rate() * megabytes, Some(anchor));
    Ok(round)
}
