//! Starting on what a killed server left: the time until it listens.

use std::io;
use std::path::Path;

use tempfile::TempDir;

use super::Round;
use super::batches::BATCH_BYTES;
use super::bench::Bench;
use crate::load::count;
use crate::stopwatch::Stopwatch;
use crate::system::host::Host;
use crate::system::{Operation, flowstone};

const NAME: &str = "recovery";
const NAME_SEALED: &str = "recovery-sealed";
const CONNECTIONS: usize = 4;

const GIB: f64 = (1u64 << 30) as f64;
const MB: u64 = 1_000_000;

pub(super) fn run(bench: &Bench) -> io::Result<Round> {
    let mut round = Round::default();
    let host = bench.flowstone()?;
    let connections = bench.kinesis(host.address(), CONNECTIONS)?;
    bench.closed(connections, Operation::Batch)?;
    let Started { tail_bytes, seconds, .. } = killed_and_started(bench, host, NAME, &mut round)?;
    round.note((NAME, "the same for a GiB of journal", "s"), seconds / tail_bytes * GIB, None);
    Ok(round)
}

/// With gigabytes of records sealed: beside what a journal file holds that is not, and alone.
pub(super) fn run_sealed(bench: &Bench) -> io::Result<Round> {
    let mut round = Round::default();
    let host = bench.flowstone()?;
    let (all, step) = bench.sealed_bytes;
    let mut put = 0;
    while put < all {
        let connections = bench.kinesis(host.address(), CONNECTIONS)?;
        let batches = step.div_ceil(BATCH_BYTES as u64);
        bench.block_on(count(connections, Operation::Batch, batches))?;
        put += batches * BATCH_BYTES as u64;
        bench.tell(&format!("{NAME_SEALED}: {} of {} MB", put / MB, all / MB));
    }
    host.rest()?;
    let Started { host, .. } = killed_and_started(bench, host, NAME_SEALED, &mut round)?;
    // The start has sealed what was left in the journal.
    host.rest()?;
    let Started { seconds, .. } = start(bench, host.kill()?)?;
    round.note((NAME_SEALED, "until it listens, nothing in the journal", "s"), seconds, None);
    Ok(round)
}

/// A server that was started on a directory with something in it.
struct Started {
    host: Host,
    /// Bytes of journal files.
    tail_bytes: f64,
    /// Bytes of segments.
    sealed_bytes: f64,
    /// Until it listened.
    seconds: f64,
}

/// Kills `host`, starts it again, and notes how that went.
fn killed_and_started(
    bench: &Bench,
    host: Host,
    name: &'static str,
    round: &mut Round,
) -> io::Result<Started> {
    let started = start(bench, host.kill()?)?;
    round.note((name, "journal that was there", "GiB"), started.tail_bytes / GIB, None);
    round.note((name, "segments that were there", "GiB"), started.sealed_bytes / GIB, None);
    round.note((name, "until it listens", "s"), started.seconds, None);
    Ok(started)
}

fn start(bench: &Bench, directory: TempDir) -> io::Result<Started> {
    let tail_bytes = bytes_of(&directory.path().join("journal"))?;
    let sealed_bytes = bytes_of(&directory.path().join("segments"))?;
    let time = Stopwatch::start();
    let host = flowstone::start(&bench.cores, &bench.program, directory)?;
    Ok(Started { host, tail_bytes, sealed_bytes, seconds: time.elapsed().as_secs_f64() })
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
