//! Starting on what a killed server left: the time until it listens.

use std::io;
use std::path::Path;

use super::Round;
use super::bench::Bench;
use crate::stopwatch::Stopwatch;
use crate::system::{Operation, flowstone};

const NAME: &str = "recovery";
const CONNECTIONS: usize = 4;

pub(super) fn run(bench: &Bench) -> io::Result<Round> {
    let mut round = Round::default();
    let host = bench.flowstone()?;
    let connections = bench.kinesis(&host, CONNECTIONS)?;
    bench.closed(connections, Operation::Batch)?;
    let directory = host.kill()?;
    let tail_bytes = bytes_of(&directory.path().join("journal"))?;
    let sealed_bytes = bytes_of(&directory.path().join("segments"))?;
    let time = Stopwatch::start();
    let host = flowstone::start(&bench.cores, &bench.program, directory)?;
    let seconds = time.elapsed().as_secs_f64();
    drop(host);
    const GIB: f64 = (1u64 << 30) as f64;
    round.note((NAME, "journal that was there", "GiB"), tail_bytes / GIB, None);
    round.note((NAME, "segments that were there", "GiB"), sealed_bytes / GIB, None);
    round.note((NAME, "until it listens", "s"), seconds, None);
    round.note((NAME, "the same for a GiB of journal", "s"), seconds / tail_bytes * GIB, None);
    Ok(round)
}

/// Bytes of the files in `folder`.
fn bytes_of(folder: &Path) -> io::Result<f64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        bytes += entry?.metadata()?.len();
    }
    #[expect(clippy::cast_precision_loss, reason = "a bench writes gigabytes")]
    Ok(bytes as f64)
}
