//! What wakes the owner of an io_uring ring: an eventfd that the ring polls while the owner sleeps.
//!
//! **Invariant** the eventfd is written only when the owner said that it goes to sleep.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU8, Ordering};

use rustix::event::EventfdFlags;

use super::Wake;

const AWAKE: u8 = 0;
const ASLEEP: u8 = 1;
const WOKEN: u8 = 2;

/// Wakes the owner through an eventfd.
pub(super) struct EventWake {
    owner: AtomicU8,
    event: OwnedFd,
}

impl EventWake {
    pub(super) fn new() -> io::Result<EventWake> {
        let event = rustix::event::eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(EventWake { owner: AtomicU8::new(AWAKE), event })
    }

    /// What to poll: readable after a wake.
    pub(super) fn event(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
    }

    /// The owner is about to sleep; `false` if somebody woke it already.
    pub(super) fn fall_asleep(&self) -> bool {
        self.owner.compare_exchange(AWAKE, ASLEEP, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    /// The owner is up. A wake that came too late to be seen leaves the eventfd readable, and the
    /// next sleep is short: never the other way round.
    pub(super) fn get_up(&self) {
        // ORDER: a swap, not a store: it reads the waker's mark, and so sees what came before it.
        self.owner.swap(AWAKE, Ordering::SeqCst);
    }

    /// Forgets past wakes, so that the next poll waits.
    pub(super) fn drain(&self) {
        let mut count = [0; 8];
        // Nothing to read means that it is drained.
        let _ = rustix::io::read(&self.event, &mut count);
    }
}

impl Wake for EventWake {
    fn wake(&self) {
        if self.owner.swap(WOKEN, Ordering::SeqCst) == ASLEEP {
            // A full counter is readable too, so a failed write wakes just as well.
            let _ = rustix::io::write(&self.event, &1_u64.to_ne_bytes());
        }
    }
}
