//! Copying memory from one large buffer to another.

use std::hint::black_box;
use std::time::Duration;

use crate::stopwatch::Stopwatch;

/// Bytes of a buffer: more than caches have.
const BUFFER_BYTES: usize = 64 << 20;

/// Bytes copied a second.
#[must_use]
pub fn copied_a_second(time: Duration) -> f64 {
    let from = vec![1u8; BUFFER_BYTES];
    let mut to = vec![0u8; BUFFER_BYTES];
    let (all, mut copies) = (Stopwatch::start(), 0u32);
    while all.elapsed() < time || copies == 0 {
        to.copy_from_slice(black_box(&from));
        black_box(&mut to);
        copies += 1;
    }
    #[expect(clippy::cast_precision_loss, reason = "64 MiB")]
    let bytes = BUFFER_BYTES as f64;
    f64::from(copies) * bytes / all.elapsed().as_secs_f64()
}
