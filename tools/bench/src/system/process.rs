//! What the system says about a process, by its number.

use std::io;
use std::time::Duration;

use rustix::param::clock_ticks_per_second;

use crate::stopwatch::Stopwatch;

/// A process that works on for this long without a load does not rest.
const REST_MAX: Duration = Duration::from_secs(60);
/// Between two looks at its processor time: longer than sealing waits for a burst to end.
const REST_LOOK: Duration = Duration::from_millis(1_200);

/// Processor time that process `id` has taken so far, in seconds, in user and kernel mode.
pub fn processor_s(id: u32) -> io::Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat"))?;
    // The name, in brackets, may have any character in it.
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks = fields.split_whitespace().skip(11).take(2);
    let ticks: u64 = ticks.filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    #[expect(clippy::cast_precision_loss, reason = "ticks are hundredths of a second")]
    Ok(ticks as f64 / clock_ticks_per_second() as f64)
}

/// Whether a thread of process `id` waits for a disk.
fn waits_for_disk(id: u32) -> io::Result<bool> {
    for thread in std::fs::read_dir(format!("/proc/{id}/task"))? {
        // A thread that has ended meanwhile waits for nothing.
        let stat = std::fs::read_to_string(thread?.path().join("stat")).unwrap_or_default();
        let state = stat.rsplit(')').next().and_then(|fields| fields.split_whitespace().next());
        if state == Some("D") {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Waits until process `id` has nothing more to do: it takes no processor time, and waits for no
/// disk.
pub fn rest(id: u32) -> io::Result<()> {
    let time = Stopwatch::start();
    let mut before = processor_s(id)?;
    while time.elapsed() < REST_MAX {
        let look = Stopwatch::start();
        // A thread that somebody has woken before is not parked, and looks too soon.
        while let Some(left) = REST_LOOK.checked_sub(look.elapsed()).filter(|left| !left.is_zero())
        {
            std::thread::park_timeout(left);
        }
        let now = processor_s(id)?;
        if now <= before && !waits_for_disk(id)? {
            return Ok(());
        }
        before = now;
    }
    Err(io::Error::other("the process does not come to rest"))
}
