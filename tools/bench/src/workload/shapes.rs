//! Single puts of other shapes: over a thousand connections, and of a megabyte.

use std::io;

use super::Round;
use super::bench::Bench;
use crate::anchor::disk::{Place, append_and_flush};
use crate::system::{Operation, kinesis};

const NAME: &str = "shapes";
const FEW: usize = 64;
const MANY: usize = 1000;
const LARGE_BYTES: usize = 1_000_000;
const LARGE_CONNECTIONS: usize = 4;

pub(super) fn run(bench: &Bench) -> io::Result<Round> {
    let mut round = Round::default();
    connections(bench, &mut round)?;
    large(bench, &mut round)?;
    Ok(round)
}

fn connections(bench: &Bench, round: &mut Round) -> io::Result<()> {
    let mut rates = Vec::new();
    for count in [FEW, MANY] {
        let host = bench.settled()?;
        let measured = bench.closed(bench.kinesis(host.address(), count)?, Operation::Single)?;
        round.load(&format!("singles x{count}, in turn"), &measured, 1.0);
        rates.push(measured.rate());
    }
    let [few, many] = rates[..] else { return Ok(()) };
    let what = format!("PutRecord x{MANY}");
    round.note((NAME, &what, "records/s"), many, Some((&format!("PutRecord x{FEW}"), few)));
    Ok(())
}

fn large(bench: &Bench, round: &mut Round) -> io::Result<()> {
    let directory = bench.directory()?;
    let bare = bench.on_server_core(|| {
        append_and_flush(directory.path(), Place::Growing, LARGE_BYTES, bench.anchor_time)
    })?;
    drop(directory);
    let host = bench.settled()?;
    let requests = kinesis::Requests::singles(LARGE_BYTES);
    let connections = bench.kinesis_with(host.address(), LARGE_CONNECTIONS, &requests)?;
    let measured = bench.closed(connections, Operation::Single)?;
    #[expect(clippy::cast_precision_loss, reason = "a megabyte")]
    let megabytes = LARGE_BYTES as f64 / 1e6;
    let anchor = ("append + fdatasync, growing file", bare.rate() * megabytes);
    let ours = measured.rate() * megabytes;
    round.note((NAME, "PutRecord of 1 MB x4, data", "MB/s"), ours, Some(anchor));
    round.note((NAME, "PutRecord of 1 MB x4, p99", "ms"), measured.latencies.at_ms(0.99), None);
    round.load("1 MB x4", &measured, 1.0);
    Ok(())
}
