//! Append and flush of blocks of one size: what an acknowledgement costs without any system.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

use crate::load::{Latencies, Measured};
use crate::stopwatch::Stopwatch;

/// Bytes of a recycled file. When it is full, writing goes on at its beginning.
const RECYCLED_BYTES: usize = 64 << 20;

/// Bytes that a growing file has at most: short runs, so that a disk's allowance is not used up.
const GROWING_BYTES_MAX: u64 = 256 << 20;

/// Whether the file has its blocks already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Every append makes the file longer.
    Growing,
    /// The file was written in full before.
    Recycled,
}

/// Appends and flushes blocks of `block_bytes` to a file in `directory` for `time`, one right
/// after the other.
pub fn append_and_flush(
    directory: &Path,
    place: Place,
    block_bytes: usize,
    time: Duration,
) -> io::Result<Measured> {
    append_and_flush_every(Duration::ZERO, directory, place, block_bytes, time)
}

/// The same with a block due every `interval`: a flush that comes late because of the one before
/// counts from when it was due, as in an open loop.
pub fn append_and_flush_every(
    interval: Duration,
    directory: &Path,
    place: Place,
    block_bytes: usize,
    time: Duration,
) -> io::Result<Measured> {
    let file = tempfile::NamedTempFile::with_prefix_in("anchor-", directory)?;
    let end = match place {
        Place::Growing => GROWING_BYTES_MAX,
        Place::Recycled => fill(file.as_file())?,
    };
    let file = OpenOptions::new().write(true).open(file.path())?;
    let block: Vec<u8> = (0..=u8::MAX).cycle().take(block_bytes).collect();
    let mut latencies = Latencies::default();
    let (all, mut at, mut due) = (Stopwatch::start(), 0, Duration::ZERO);
    while all.elapsed() < time {
        if at + block.len() as u64 > end {
            if place == Place::Growing {
                file.set_len(0)?;
                file.sync_all()?;
            }
            at = 0;
        }
        while all.elapsed() < due {
            std::hint::spin_loop();
        }
        let begun = if interval.is_zero() { all.elapsed() } else { due };
        file.write_all_at(&block, at)?;
        file.sync_data()?;
        latencies.note(all.elapsed() - begun);
        due += interval;
        at += block.len() as u64;
    }
    Ok(Measured { operations: latencies.count(), latencies, seconds: all.elapsed().as_secs_f64() })
}

fn fill(mut file: &File) -> io::Result<u64> {
    const STEP_BYTES: usize = 1 << 20;
    let zeros = vec![0; STEP_BYTES];
    for _ in 0..RECYCLED_BYTES / STEP_BYTES {
        file.write_all(&zeros)?;
    }
    file.sync_all()?;
    Ok(RECYCLED_BYTES as u64)
}
