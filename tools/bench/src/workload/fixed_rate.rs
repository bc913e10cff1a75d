//! Single puts at a fixed rate: how long each takes from when it was due.

use std::io;
use std::time::Duration;

use super::Round;
use super::bench::Bench;
use super::singles::COMMIT_BYTES;
use crate::anchor::disk::{Place, append_and_flush_every};
use crate::load::open;
use crate::system::Operation;

const NAME: &str = "fixed-rate";
const PUTS_A_SECOND: f64 = 2000.0;
/// Enough that a put waits for a connection only when the server stalls.
const CONNECTIONS: usize = 16;

pub(super) fn run(bench: &Bench) -> io::Result<Round> {
    let mut round = Round::default();
    let directory = bench.directory()?;
    // As long as the load, and at its rate: a stall of the disk hits as many flushes as puts.
    let time = bench.span.counted;
    let interval = Duration::from_secs_f64(1.0 / PUTS_A_SECOND);
    let bare = bench.on_server_core(|| {
        append_and_flush_every(interval, directory.path(), Place::Recycled, COMMIT_BYTES, time)
    })?;
    drop(directory);
    let host = bench.settled()?;
    let clients = bench.kinesis(host.address(), CONNECTIONS)?;
    let load = open(clients, Operation::Single, PUTS_A_SECOND, bench.span);
    let measured = bench.block_on(load)?;
    for (name, quantile) in [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)] {
        let anchor = (format!("fdatasync at 2,000/s, {name}"), bare.latencies.at_ms(quantile));
        let ours = measured.latencies.at_ms(quantile);
        let name = format!("PutRecord at 2,000/s, {name}");
        round.note((NAME, &name, "ms"), ours, Some((&anchor.0, anchor.1)));
    }
    round.load("2,000/s", &measured, 1.0);
    Ok(round)
}
