//! The Markdown tables.

use std::io::{self, Write as _};

use crate::Scale;
use crate::held::Taken;
use crate::latency::Ways;
use crate::subscriber::Protocol;

/// Prints both tables. The first of `ways` is what the others are compared with.
pub(crate) fn print(scale: Scale, memory: &[Taken], ways: &[Ways]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "\nMemory of the server's process in MiB: resident (of that, its own). {} subscriptions, {} \
         consumers a shard.\n",
        scale.subscriptions, scale.consumers
    )?;
    writeln!(
        out,
        "| over | before | all held, idle | after an event to each | a subscription, idle | \
         events to all in |"
    )?;
    writeln!(out, "|---|---:|---:|---:|---:|---:|")?;
    for taken in memory {
        let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        let both = |memory: crate::host::Memory| {
            format!("{:.0} ({:.0})", mib(memory.resident_bytes), mib(memory.anonymous_bytes))
        };
        let more = taken.idle.anonymous_bytes.saturating_sub(taken.made.anonymous_bytes);
        writeln!(
            out,
            "| {} | {} | {} | {} | {:.1} KiB | {:.0} ms |",
            match taken.protocol {
                Protocol::Http1 => "HTTP/1.1",
                Protocol::Http2 => "HTTP/2",
            },
            both(taken.made),
            both(taken.idle),
            both(taken.told),
            more as f64 / taken.subscriptions as f64 / 1024.0,
            taken.broadcast.as_secs_f64() * 1e3,
        )?;
    }
    writeln!(
        out,
        "\nFrom put to reader in ms, while all are held: from the put's start / its ack.\n"
    )?;
    writeln!(out, "| reader | records | p50 | p99 | p99.9 | p50 / subscription's |")?;
    writeln!(out, "|---|---:|---:|---:|---:|---:|")?;
    let base = ways.first().map_or(1, |ways| percentile(&ways.from_start, 500)).max(1);
    for way in ways {
        let both = |per_mille| {
            let ms = |sorted| percentile(sorted, per_mille) as f64 / 1e3;
            format!("{:.2} / {:.2}", ms(&way.from_start), ms(&way.from_ack))
        };
        writeln!(
            out,
            "| {} | {} | {} | {} | {} | {:.1} |",
            way.name,
            way.from_start.len(),
            both(500),
            both(990),
            both(999),
            percentile(&way.from_start, 500) as f64 / base as f64,
        )?;
    }
    out.flush()
}

fn percentile(sorted: &[i64], per_mille: usize) -> i64 {
    let at = (sorted.len() * per_mille / 1000).min(sorted.len().saturating_sub(1));
    sorted.get(at).copied().unwrap_or(0)
}
