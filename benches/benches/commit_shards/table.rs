//! The Markdown table.

use std::io::{self, Write as _};
use std::time::Duration;

use crate::measure::Row;

/// Prints the rows; `disk` is the kind of commit ring.
pub(crate) fn print(rows: &[Row], disk: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "\nOne append to each shard, all acknowledged; medians; commit ring: {disk}.\n")?;
    writeln!(
        out,
        "| shards | bytes a round | engine | write+fdatasync, growing file | engine / growing | \
         write+fdatasync, recycled file | engine / recycled | a file and a flush per shard |"
    )?;
    writeln!(out, "|---:|---:|---:|---:|---:|---:|---:|---:|")?;
    for row in rows {
        let files = row.file_per_shard.map_or_else(|| "-".to_owned(), millis);
        writeln!(
            out,
            "| {} | {} KiB | {} | {} | {:.2} | {} | {:.2} | {files} |",
            row.shards,
            row.round_bytes / 1024,
            millis(row.engine),
            millis(row.growing),
            ratio(row.engine, row.growing),
            millis(row.recycled),
            ratio(row.engine, row.recycled),
        )?;
    }
    out.flush()
}

fn millis(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

fn ratio(time: Duration, base: Duration) -> f64 {
    time.as_secs_f64() / base.as_secs_f64().max(f64::MIN_POSITIVE)
}
