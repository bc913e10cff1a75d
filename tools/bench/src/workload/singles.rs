//! Single puts over 1, 16 and 64 connections.

use std::io;

use super::bench::Bench;
use super::{RECORD_BYTES, Round};
use crate::anchor::disk::{Place, append_and_flush};
use crate::anchor::loopback::round_trips;
use crate::system::Operation;

const NAME: &str = "singles";
const CONNECTIONS: [usize; 3] = [1, 16, 64];

/// Bytes of a commit with one record in it.
pub(super) const COMMIT_BYTES: usize = 4096;

pub(super) fn run(bench: &Bench) -> io::Result<Round> {
    let mut round = Round::default();
    let directory = bench.directory()?;
    let flushes = bench.on_server_core(|| {
        append_and_flush(directory.path(), Place::Recycled, COMMIT_BYTES, bench.anchor_time)
    })?;
    drop(directory);
    let trips = round_trips(&bench.cores, 2 * RECORD_BYTES, bench.anchor_time)?;
    // One client waits for the network and for the flush.
    let alone = 1.0 / (1.0 / flushes.rate() + 1.0 / trips.rate());
    for connections in CONNECTIONS {
        let host = bench.settled()?;
        let clients = bench.kinesis(host.address(), connections)?;
        let before = host.processor_s()?;
        let measured = bench.closed(clients, Operation::Single)?;
        let processor_s = host.processor_s()? - before;
        let name = format!("PutRecord x{connections}");
        let anchor = (connections == 1).then_some(("round trip + fdatasync, one by one", alone));
        round.note((NAME, &name, "records/s"), measured.rate(), anchor);
        let p99 = measured.latencies.at_ms(0.99);
        round.note((NAME, &format!("{name}, p99"), "ms"), p99, None);
        let processor_us = processor_s * 1e6 / bench.done(&measured);
        round.note((NAME, &format!("{name}, server's processor"), "us"), processor_us, None);
        round.load(&format!("singles x{connections}"), &measured, 1.0);
    }
    Ok(round)
}
