//! `instructions.tsv`: what each path may take.

use std::fs;
use std::io;
use std::path::PathBuf;

/// More than this much of the bound fails: compilers and processors differ a little.
pub(crate) const RATIO_MAX: f64 = 1.10;

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("instructions.tsv")
}

/// Each path's bound.
pub(crate) fn read() -> io::Result<Vec<(String, u64)>> {
    let text = fs::read_to_string(file())?;
    let line = |line: &str| {
        Some(line.split_once('\t')?)
            .and_then(|(name, bound)| Some((name.to_owned(), bound.trim().parse().ok()?)))
    };
    Ok(text.lines().filter_map(line).collect())
}

/// Makes `counted` the bounds.
pub(crate) fn write(counted: &[(String, u64)]) -> io::Result<()> {
    let lines = counted.iter().map(|(name, count)| format!("{name}\t{count}\n"));
    fs::write(file(), lines.collect::<String>())
}

#[expect(clippy::cast_precision_loss, reason = "counts are below 2^52")]
pub(crate) fn ratio(counted: u64, bound: u64) -> f64 {
    counted as f64 / bound.max(1) as f64
}
