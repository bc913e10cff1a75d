//! Who reads a shard as a consumer: one at a time, until somebody takes over.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// Milliseconds before a reader can be taken over.
pub const TAKE_OVER_AFTER_MS: u64 = 5_000;

/// Why a reader has to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Somebody else reads the shard as the same consumer.
    TakenOver,
    /// The consumer was deregistered.
    Deregistered,
}

/// The readers of one consumer, at most one a shard.
#[derive(Debug, Default)]
pub struct Seats {
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    by_shard: HashMap<u32, Reader>,
    next: u64,
    is_ended: bool,
}

#[derive(Debug)]
struct Reader {
    number: u64,
    since_ms: u64,
    end: oneshot::Sender<Ended>,
}

/// A reader's place, given back when it is dropped.
#[derive(Debug)]
pub struct Seat {
    seats: Arc<Seats>,
    shard: u32,
    number: u64,
    ended: oneshot::Receiver<Ended>,
}

impl Seats {
    /// Takes the place of `shard`'s reader at `now_ms` of a clock that never steps. `None` when
    /// somebody took it less than [`TAKE_OVER_AFTER_MS`] ago and still reads.
    #[must_use]
    pub fn take(self: &Arc<Seats>, shard: u32, now_ms: u64) -> Option<Seat> {
        let mut taken = self.taken();
        if let Some(reader) = taken.by_shard.get(&shard)
            && now_ms.saturating_sub(reader.since_ms) < TAKE_OVER_AFTER_MS
        {
            return None;
        }
        let number = taken.next;
        taken.next += 1;
        let (end, ended) = oneshot::channel();
        if taken.is_ended {
            let _ = end.send(Ended::Deregistered);
        } else if let Some(before) =
            taken.by_shard.insert(shard, Reader { number, since_ms: now_ms, end })
        {
            let _ = before.end.send(Ended::TakenOver);
        }
        Some(Seat { seats: Arc::clone(self), shard, number, ended })
    }

    /// Sends all readers away, also those that come later.
    pub fn end_all(&self) {
        let mut taken = self.taken();
        taken.is_ended = true;
        for (_, reader) in taken.by_shard.drain() {
            let _ = reader.end.send(Ended::Deregistered);
        }
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        // Every change is one insert or remove: there is no half-made state to be seen.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// Resolves when the reader has to go. Not to be asked again after that.
    pub async fn ended(&mut self) -> Ended {
        (&mut self.ended).await.unwrap_or(Ended::TakenOver)
    }

    /// Why the reader has to go already, if it has.
    pub fn is_ended(&mut self) -> Option<Ended> {
        self.ended.try_recv().ok()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.taken();
        if taken.by_shard.get(&self.shard).is_some_and(|reader| reader.number == self.number) {
            taken.by_shard.remove(&self.shard);
        }
    }
}

#[cfg(test)]
mod tests;
