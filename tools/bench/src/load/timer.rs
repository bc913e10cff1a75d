//! Waiting until a moment, to some microseconds, and without keeping a core busy.
//!
//! The runtime's own timers tick once a millisecond. Spinning instead is not for free: the kernel
//! completes flushes of the disk on any core, also for a server that runs on another one, and waits for
//! the end of a spinning thread's slice to do so, 4 ms here.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::io::{Errno, read};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use tokio::io::unix::AsyncFd;

use crate::stopwatch::Stopwatch;

/// A timer of the kernel's.
#[derive(Debug)]
pub struct Timer {
    timer: AsyncFd<OwnedFd>,
}

impl Timer {
    /// A timer, for use on this thread's runtime.
    pub fn new() -> io::Result<Timer> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        #[expect(deprecated, reason = "sound for a descriptor that is owned; its heir is unsafe")]
        let timer = AsyncFd::new(timer)?;
        Ok(Timer { timer })
    }

    /// Waits until `due` by `time`; not at all when that is over.
    pub async fn wait(&self, time: &Stopwatch, due: Duration) -> io::Result<()> {
        while let Some(left) = due.checked_sub(time.elapsed()).filter(|left| !left.is_zero()) {
            self.sleep(left).await?;
        }
        Ok(())
    }

    async fn sleep(&self, duration: Duration) -> io::Result<()> {
        let time = Timespec::try_from(duration).map_err(io::Error::other)?;
        let none = Timespec { tv_sec: 0, tv_nsec: 0 };
        let once = Itimerspec { it_interval: none, it_value: time };
        timerfd_settime(self.timer.get_ref(), TimerfdTimerFlags::empty(), &once)?;
        loop {
            let mut ready = self.timer.readable().await?;
            let mut expirations = [0; 8];
            match read(self.timer.get_ref(), &mut expirations) {
                Ok(_) => return Ok(()),
                Err(Errno::AGAIN) => ready.clear_ready(),
                Err(error) => return Err(error.into()),
            }
        }
    }
}
