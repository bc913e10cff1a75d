//! The engine without a server: batches of 500 records beside bare appends of as many bytes, and the
//! same total load over one shard and over ten thousand.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use flowstone_engine::clock::SystemClock;
use flowstone_engine::entropy::SystemEntropy;
use flowstone_engine::error::Error;
use flowstone_engine::frame::{Batch, BatchBuilder};
use flowstone_engine::io::{Backend, RealDisk};
use flowstone_engine::types::ShardId;
use flowstone_engine::{Engine, Options, ShardSpec};
use tempfile::TempDir;

use super::batches::BATCH_BYTES;
use super::bench::Bench;
use super::{RECORD_BYTES, Round};
use crate::anchor::disk::{Place, append_and_flush};
use crate::load::{Latencies, Measured, Span};
use crate::payload::Payload;
use crate::stopwatch::Stopwatch;
use crate::system::BATCH_RECORDS;
use crate::system::process::rest;

const NAME: &str = "engine";
const RETENTION_MS: u64 = 24 * 60 * 60 * 1000;
/// Batches that wait for their answers at a time: what four connections send.
const OUTSTANDING: usize = 4;
/// Shards of the wide load; each round of it is one record to each.
const SHARDS_MANY: usize = 10_000;

/// Before a burst is measured.
const WARM_UP: Duration = Duration::from_millis(50);

/// An open engine in a directory of its own.
struct Opened {
    engine: Engine,
    shards: Vec<ShardId>,
    _directory: TempDir,
}

pub(super) fn failed(error: Error) -> io::Error {
    io::Error::other(error)
}

impl Opened {
    fn fresh(bench: &Bench, shards: usize) -> io::Result<Opened> {
        let directory = bench.directory()?;
        // The engine's threads run where the server's would.
        bench.on_server_core(|| {
            let disk = Arc::new(RealDisk::open(directory.path(), Backend::Auto)?);
            let clock = Arc::new(SystemClock::new());
            let entropy = Arc::new(SystemEntropy);
            let engine = Engine::open(disk, clock, entropy, Options::default()).map_err(failed)?;
            let specs = vec![ShardSpec { retention_ms: RETENTION_MS }; shards];
            let shards = engine.create_shards(&specs, |_, _| ()).map_err(failed)?;
            Ok(Opened { engine, shards, _directory: directory })
        })
    }

    /// Appends `batches` in turn, to the shards in turn, with `outstanding` waiting for answers.
    async fn append(
        &self,
        batches: &[Batch],
        outstanding: usize,
        span: Span,
    ) -> io::Result<Measured> {
        let (time, mut latencies) = (Stopwatch::start(), Latencies::default());
        let mut waiting = VecDeque::new();
        let end = span.end();
        let mut targets = self.shards.iter().cycle().zip(batches.iter().cycle());
        loop {
            let now = time.elapsed();
            while waiting.len() < outstanding && now < end {
                let Some((shard, batch)) = targets.next() else { break };
                let answer = self.engine.enqueue(*shard, batch.clone()).await.map_err(failed)?;
                waiting.push_back((time.elapsed(), answer));
            }
            let Some((sent, answer)) = waiting.pop_front() else { break };
            answer.await.map_err(io::Error::other)?.map_err(failed)?;
            let answered = time.elapsed();
            if span.counts(answered, latencies.count()) {
                latencies.note(answered - sent);
            }
        }
        let seconds = span.counted.as_secs_f64();
        Ok(Measured { operations: latencies.count(), latencies, seconds })
    }

    /// Appends `count` batches, so that there are journal files to be used again, and rests.
    async fn settle(&self, count: u64, batches: &[Batch]) -> io::Result<()> {
        let mut waiting = VecDeque::new();
        let mut targets = self.shards.iter().cycle().zip(batches.iter().cycle());
        for _ in 0..count {
            let Some((shard, batch)) = targets.next() else { break };
            waiting.push_back(self.engine.enqueue(*shard, batch.clone()).await.map_err(failed)?);
            if waiting.len() == OUTSTANDING
                && let Some(answer) = waiting.pop_front()
            {
                answer.await.map_err(io::Error::other)?.map_err(failed)?;
            }
        }
        for answer in waiting {
            answer.await.map_err(io::Error::other)?.map_err(failed)?;
        }
        rest(std::process::id())
    }

    fn close(self) -> io::Result<()> {
        self.engine.close().map_err(failed)
    }
}

/// Records in one batch.
pub(super) fn batch(records: usize, payload: &mut Payload) -> io::Result<Batch> {
    let mut builder = BatchBuilder::with_capacity(records * (RECORD_BYTES + 32));
    for _ in 0..records {
        builder.push(b"device-0042", &payload.record(RECORD_BYTES)).map_err(failed)?;
    }
    builder.finish().map_err(failed)
}

pub(super) fn run(bench: &Bench) -> io::Result<Round> {
    let mut round = Round::default();
    batches(bench, &mut round)?;
    shards(bench, &mut round)?;
    Ok(round)
}

fn batches(bench: &Bench, round: &mut Round) -> io::Result<()> {
    let mut payload = Payload::new(3);
    let batches = (0..8).map(|_| batch(BATCH_RECORDS, &mut payload));
    let batches = batches.collect::<io::Result<Vec<_>>>()?;
    let directory = bench.directory()?;
    let bare = |place| {
        bench.on_server_core(|| {
            append_and_flush(directory.path(), place, BATCH_BYTES, bench.anchor_time)
        })
    };
    let (growing, recycled) = (bare(Place::Growing)?, bare(Place::Recycled)?);
    let opened = Opened::fresh(bench, 1)?;
    bench.block_on(opened.settle(bench.batches_to_settle(), &batches))?;
    // As long as the anchors: a burst that fits into the journal.
    let short = Span { warm_up: WARM_UP, counted: bench.anchor_time };
    let measured = bench.block_on(opened.append(&batches, OUTSTANDING, short))?;
    let sustained = bench.block_on(opened.append(&batches, OUTSTANDING, bench.span))?;
    opened.close()?;
    #[expect(clippy::cast_precision_loss, reason = "half a megabyte")]
    let megabytes = BATCH_BYTES as f64 / 1e6;
    let ours = measured.rate() * megabytes;
    for (name, bare) in [("growing", &growing), ("recycled", &recycled)] {
        let anchor = format!("append + fdatasync, {name} file");
        let what = format!("500 x 1 KiB, four outstanding, beside a {name} file");
        round.note((NAME, &what, "MB/s"), ours, Some((&anchor, bare.rate() * megabytes)));
    }
    let beside_sealing = sustained.rate() * megabytes;
    let what = "the same right behind it, the journal half full and being sealed";
    let anchor = ("append + fdatasync, growing file", growing.rate() * megabytes);
    round.note((NAME, what, "MB/s"), beside_sealing, Some(anchor));
    round.load("engine, batches", &measured, 500.0);
    Ok(())
}

fn shards(bench: &Bench, round: &mut Round) -> io::Result<()> {
    let single = [batch(1, &mut Payload::new(4))?];
    let large = [batch(BATCH_RECORDS, &mut Payload::new(4))?];
    let mut rates = Vec::new();
    for shards in [1, SHARDS_MANY] {
        let opened = Opened::fresh(bench, shards)?;
        // A load of small records fills no more than a file or two.
        bench.block_on(opened.settle(bench.batches_to_settle() / 4, &large))?;
        let span =
            Span { warm_up: bench.span.warm_up.max(Duration::from_millis(200)), ..bench.span };
        // As many outstanding as there are shards at most: the same load for both.
        let measured = bench.block_on(opened.append(&single, SHARDS_MANY, span))?;
        opened.close()?;
        rates.push(measured.rate());
        round.load(&format!("engine, {shards} shards"), &measured, 1.0);
    }
    let [one, many] = rates[..] else { return Ok(()) };
    let anchor = Some(("the same over 1 shard", 1e6 / one));
    round.note((NAME, "a record's cost over 10,000 shards", "us"), 1e6 / many, anchor);
    Ok(())
}
