//! Changes of a stream that are counted over 24 hours, also across a restart: its row has the times.

use flowstone_engine::types::Timestamp;

/// Milliseconds over which changes are counted.
const WINDOW_MS: u64 = 24 * 3_600_000;

/// Changes of one kind that a row remembers: the most that a limit on them can be.
pub const DAILY_CHANGES_KEPT: usize = 32;

/// Whether one more change is within `max`, 0 being any number, when there were others at `times`.
pub(super) fn is_within(times: &[u64], now: Timestamp, max: u32) -> bool {
    let recent = times.iter().filter(|at| is_recent(**at, now)).count();
    max == 0 || recent < max as usize
}

/// Remembers a change.
pub(super) fn remember(times: &mut Vec<u64>, now: Timestamp) {
    times.retain(|at| is_recent(*at, now));
    let excess = (times.len() + 1).saturating_sub(DAILY_CHANGES_KEPT);
    times.drain(..excess);
    times.push(now.0);
}

fn is_recent(at: u64, now: Timestamp) -> bool {
    at > now.minus_ms(WINDOW_MS).0
}
