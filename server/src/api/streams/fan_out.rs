//! Memory of large events on their way to subscribers: a budget, and who has to give it back.
//!
//! A large event takes room before it is read and gives it back when its last piece is handed to the
//! connection. A subscriber that does not take its event may keep the room while nobody else wants
//! it. Once somebody waits, room that was held for [`HELD_MAX`] is taken back, the oldest first: the
//! event is gone, and the subscription ends where the reader can come back to.
//!
//! **Invariant** whatever subscribers do, the whole budget can be had anew every [`HELD_MAX`].

use std::collections::BTreeMap;
use std::fmt;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};

/// How long room may be held while others wait for it.
pub(super) const HELD_MAX: Duration = Duration::from_secs(5);

/// Bytes of one unit of the budget: semaphores count in `u32`.
const UNIT_BYTES: usize = 1024;

/// Units of a budget.
const UNITS_MAX: usize = u32::MAX as usize >> 3;

/// The budget.
#[derive(Debug)]
pub(super) struct FanOut {
    units: usize,
    free: Arc<Semaphore>,
    held: Mutex<Held>,
}

/// Who holds room, the oldest first.
#[derive(Debug, Default)]
struct Held {
    slots: BTreeMap<u64, (Instant, Arc<Slot>)>,
    next: u64,
}

/// What is held, until it is taken back.
#[derive(Default)]
struct Slot(Mutex<Option<Content>>);

struct Content {
    /// What is left of the event.
    event: Bytes,
    permit: OwnedSemaphorePermit,
}

/// Room for an event, and the event in it. Given back when dropped.
#[derive(Debug)]
pub(super) struct Room {
    fan_out: Arc<FanOut>,
    id: u64,
    slot: Arc<Slot>,
}

impl FanOut {
    /// A budget of `bytes`.
    pub(super) fn new(bytes: usize) -> Arc<FanOut> {
        let units = (bytes / UNIT_BYTES).clamp(1, UNITS_MAX);
        let free = Arc::new(Semaphore::new(units));
        Arc::new(FanOut { units, free, held: Mutex::default() })
    }

    /// Room for an event of `bytes`, if there is any now.
    pub(super) fn room_now(self: &Arc<FanOut>, bytes: usize) -> Option<Room> {
        let permit = Arc::clone(&self.free).try_acquire_many_owned(self.units_of(bytes)).ok()?;
        Some(self.register(permit))
    }

    /// Waits for room for an event of `bytes`. Who has held some for too long loses it.
    pub(super) async fn room(self: &Arc<FanOut>, bytes: usize) -> Room {
        let mut permit = pin!(Arc::clone(&self.free).acquire_many_owned(self.units_of(bytes)));
        loop {
            let overdue = self.oldest_since().unwrap_or_else(Instant::now) + HELD_MAX;
            tokio::select! {
                biased;
                permit = &mut permit => {
                    return self.register(permit.expect("the semaphore is never closed"));
                }
                () = sleep_until(overdue) => self.take_back_overdue(),
            }
        }
    }

    fn oldest_since(&self) -> Option<Instant> {
        self.held().slots.first_key_value().map(|(_, (since, _))| *since)
    }

    /// Takes the oldest room back, if it is overdue.
    fn take_back_overdue(&self) {
        let oldest = {
            let mut held = self.held();
            let is_overdue = |since: Instant| since.elapsed() >= HELD_MAX;
            let oldest = held.slots.first_entry().filter(|entry| is_overdue(entry.get().0));
            oldest.map(|entry| entry.remove().1)
        };
        if let Some(slot) = oldest {
            drop(slot.content().take());
        }
    }

    fn register(self: &Arc<FanOut>, permit: OwnedSemaphorePermit) -> Room {
        let slot = Arc::new(Slot(Mutex::new(Some(Content { event: Bytes::new(), permit }))));
        let mut held = self.held();
        let id = held.next;
        held.next += 1;
        held.slots.insert(id, (Instant::now(), Arc::clone(&slot)));
        Room { fan_out: Arc::clone(self), id, slot }
    }

    fn units_of(&self, bytes: usize) -> u32 {
        let units = bytes.div_ceil(UNIT_BYTES).clamp(1, self.units);
        u32::try_from(units).unwrap_or(u32::MAX)
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        // Every change is one insert or remove: there is no half-made state to be seen.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Room {
    /// Puts the event in, and gives back what it does not need. Says whether the room was still
    /// there.
    pub(super) fn fill(&self, event: Bytes) -> bool {
        let mut content = self.slot.content();
        let Some(content) = &mut *content else { return false };
        let spare = content.permit.num_permits().saturating_sub(event.len().div_ceil(UNIT_BYTES));
        drop(content.permit.split(spare));
        content.event = event;
        true
    }

    /// The next `bytes` of the event, and whether there is more; `None` when the room was taken
    /// back. The piece does not hold the rest of the event in memory.
    pub(super) fn take(&self, bytes: usize) -> Option<(Bytes, bool)> {
        let mut content = self.slot.content();
        let event = &mut content.as_mut()?.event;
        let piece = event.split_to(bytes.min(event.len()));
        Some((Bytes::copy_from_slice(&piece), !event.is_empty()))
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.fan_out.held().slots.remove(&self.id);
    }
}

impl Slot {
    fn content(&self) -> MutexGuard<'_, Option<Content>> {
        // As above.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").finish_non_exhaustive()
    }
}
