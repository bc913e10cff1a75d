//! Rounds of all contestants in turn, and their medians.

use std::io;
use std::time::Duration;

use flowstone_benches::load::{KEY, batch, data};
use flowstone_benches::opened::Opened;
use flowstone_benches::scratch::scratch;
use flowstone_benches::stopwatch::Stopwatch;
use flowstone_engine::frame::{FRAME_HEADER_BYTES, RECORD_HEADER_BYTES, align_frame};
use flowstone_engine::journal::commit::commit_bytes_at_most;

use crate::bare::Bare;
use crate::files::{FILES_MAX, FilePerShard};

/// Rounds that are not counted: a new engine is still making its journal files.
const WARM_UP_ROUNDS: usize = 10;
/// Rounds of a file per shard: each takes long enough.
const FILE_ROUNDS: usize = 5;

/// The medians of one shard count.
pub(crate) struct Row {
    pub(crate) shards: usize,
    /// Bytes that each contestant writes a round.
    pub(crate) round_bytes: usize,
    pub(crate) engine: Duration,
    pub(crate) growing: Duration,
    pub(crate) recycled: Duration,
    pub(crate) file_per_shard: Option<Duration>,
}

/// Measures one shard count.
pub(crate) fn row(
    opened: &Opened,
    shards: usize,
    payload_bytes: usize,
    rounds: usize,
) -> io::Result<Row> {
    let frame_bytes = align_frame(FRAME_HEADER_BYTES + payload_bytes / shards);
    let overhead = FRAME_HEADER_BYTES + RECORD_HEADER_BYTES + KEY.len();
    let batch = batch(1, frame_bytes.saturating_sub(overhead).max(1));
    // What the engine writes when all shards fall into one commit: the bare loops write as much.
    let round_bytes = commit_bytes_at_most(shards, shards * batch.payload().len())
        .min((shards * frame_bytes).next_multiple_of(4096));
    let bytes = data(round_bytes);
    let directory = scratch()?;
    let mut growing = Bare::growing(directory.path())?;
    let mut recycled = Bare::recycled(directory.path())?;
    let targets = &opened.shards()[..shards];

    let mut times: [Vec<Duration>; 3] = Default::default();
    for round in 0..WARM_UP_ROUNDS + rounds {
        let taken = [
            timed(|| opened.append_each(targets, &batch).map_err(io::Error::other))?,
            timed(|| growing.round(&bytes))?,
            timed(|| recycled.round(&bytes))?,
        ];
        if round >= WARM_UP_ROUNDS {
            for (all, one) in times.iter_mut().zip(taken) {
                all.push(one);
            }
        }
    }
    let [engine, growing, recycled] = times.map(median);
    let file_per_shard = if shards <= FILES_MAX {
        let mut files = FilePerShard::create(directory.path(), shards)?;
        let taken: io::Result<Vec<_>> =
            (0..FILE_ROUNDS.min(rounds)).map(|_| timed(|| files.round(&bytes))).collect();
        Some(median(taken?))
    } else {
        None
    };
    Ok(Row { shards, round_bytes, engine, growing, recycled, file_per_shard })
}

fn timed(run: impl FnOnce() -> io::Result<()>) -> io::Result<Duration> {
    let stopwatch = Stopwatch::start();
    run()?;
    Ok(stopwatch.elapsed())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
