//! Single puts for a long time at 70 % of what the server can do beside sealing and compaction: does
//! it stay as quick, and as small?
//!
//! Retention is on and drops nothing: the least that the API knows is a day.

use std::io;
use std::time::Duration;

use super::Round;
use super::bench::Bench;
use crate::anchor::disk::{Place, append_and_flush_every};
use crate::load::{Span, closed, open};
use crate::system::Operation;

const NAME: &str = "soak";
const CONNECTIONS: usize = 64;
/// Of what a closed loop reached just before.
const SHARE: f64 = 0.7;
/// How long that loop is warmed up at most, and counted: sealing is put off for so many seconds of a
/// burst that the first ones tell what the server can do without it.
const MOST_TIME_MAX: Duration = Duration::from_secs(15);
/// Bare flushes: about the bytes a second of some twenty thousand puts that share commits.
const FLUSH_EVERY: Duration = Duration::from_micros(333);
const FLUSH_BYTES: usize = 8192;

/// One stretch of the load.
struct Slice {
    p50_ms: f64,
    p99_ms: f64,
    anonymous_mb: f64,
}

pub(super) fn run(bench: &Bench) -> io::Result<Round> {
    let mut round = Round::default();
    let host = bench.settled()?;
    let (count, counted) = bench.soak;
    let time = counted.min(MOST_TIME_MAX);
    let connections = bench.kinesis(host.address(), CONNECTIONS)?;
    let sustained = closed(connections, Operation::Single, Span { warm_up: time, counted: time });
    let most = bench.block_on(sustained)?.rate();
    let rate = SHARE * most;
    let span = Span { warm_up: Duration::ZERO, counted };
    let (mut slices, mut puts, mut worst_ms) = (Vec::with_capacity(count), 0, 0.0_f64);
    let before = host.processor_s()?;
    for number in 1..=count {
        let connections = bench.kinesis(host.address(), CONNECTIONS)?;
        let measured = bench.block_on(open(connections, Operation::Single, rate, span))?;
        #[expect(clippy::cast_precision_loss, reason = "memories are below 2^52 bytes")]
        let anonymous_mb = host.anonymous_bytes()? as f64 / 1e6;
        let latency = measured.latencies.percentiles();
        let slice = Slice { p50_ms: latency.p50_ms, p99_ms: latency.p99_ms, anonymous_mb };
        bench.tell(&format!(
            "soak: {number} of {count}: {:.0} puts a second, p50 {:.2} ms, p99 {:.2} ms, \
             p99.9 {:.2} ms, {:.0} MB of memory",
            measured.rate(),
            slice.p50_ms,
            slice.p99_ms,
            latency.p999_ms,
            slice.anonymous_mb
        ));
        puts += measured.operations;
        worst_ms = worst_ms.max(latency.max_ms);
        round.load(&format!("soak, stretch {number}"), &measured, 1.0);
        slices.push(slice);
    }
    let processor_s = host.processor_s()? - before;
    let Some((first, rest)) = slices.split_first() else { return Ok(round) };
    let last = rest.last().unwrap_or(first);
    #[expect(clippy::cast_precision_loss, reason = "a soak is less than 2^52 puts")]
    let puts = puts as f64;
    let all_s = span.counted.as_secs_f64() * slices.len() as f64;
    round.note(
        (NAME, "PutRecord at 70 %", "records/s"),
        puts / all_s,
        Some(("all it can do", most)),
    );
    round.note((NAME, "server's processor", "cores"), processor_s / all_s, None);
    let mut beside = |name, unit, of: fn(&Slice) -> f64| {
        round.note((NAME, name, unit), of(last), Some(("the first stretch's", of(first))));
    };
    beside("p50 of the last stretch", "ms", |slice| slice.p50_ms);
    beside("p99 of the last stretch", "ms", |slice| slice.p99_ms);
    beside("memory after the last stretch", "MB", |slice| slice.anonymous_mb);
    // Without any system, as many bytes a second: what of the slowness is the disk's own.
    let directory = bench.directory()?;
    let bare = bench.on_server_core(|| {
        append_and_flush_every(FLUSH_EVERY, directory.path(), Place::Recycled, FLUSH_BYTES, counted)
    })?;
    let bare = bare.latencies.percentiles();
    let mut p99s: Vec<f64> = slices.iter().map(|slice| slice.p99_ms).collect();
    p99s.sort_by(f64::total_cmp);
    let anchor = Some(("bare flushes of as many bytes, p99", bare.p99_ms));
    round.note((NAME, "p99 of the middle stretch", "ms"), p99s[p99s.len() / 2], anchor);
    let anchor = Some(("the slowest bare flush", bare.max_ms));
    round.note((NAME, "the slowest put", "ms"), worst_ms, anchor);
    Ok(round)
}
