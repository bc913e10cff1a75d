//! One record in flight: received from a queue, not acknowledged yet.

use crate::service::queue::page::NEVER;

/// Bytes of an encoded entry.
pub(super) const ENTRY_BYTES: usize = 24;

/// The bit of `restored` that says "a dead letter".
const DEAD: u32 = 1 << 31;

/// Which of a queue's two lanes a record is received from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// The one that consumers work from.
    Normal,
    /// The one of dead letters.
    Dead,
}

impl Lane {
    /// Both.
    pub const ALL: [Lane; 2] = [Lane::Normal, Lane::Dead];

    /// Its place in an array of two.
    pub(super) fn index(self) -> usize {
        match self {
            Lane::Normal => 0,
            Lane::Dead => 1,
        }
    }
}

/// What is kept of a record in flight.
///
/// PERF: 24 bytes, and one bit beside it says which record it is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When it is visible again, in milliseconds since 1970.
    pub visible_ms: u64,
    /// When it was first received; 0 when it never was.
    pub first_ms: u64,
    /// How often it was delivered, ever: the number that tells one delivery from another.
    pub deliveries: u32,
    /// How many of the deliveries were before it was last restored, and [`DEAD`].
    restored: u32,
}

impl Entry {
    /// A record that nobody has received: what a gap in the deliveries is filled with.
    pub const NEVER_RECEIVED: Entry =
        Entry { visible_ms: 0, first_ms: 0, deliveries: 0, restored: 0 };

    /// A record received for the first time.
    #[must_use]
    pub fn first_received(now_ms: u64, visible_ms: u64) -> Entry {
        Entry { visible_ms, first_ms: now_ms, deliveries: 1, restored: 0 }
    }

    /// The record received once more, from `lane`.
    #[must_use]
    pub fn received(self, lane: Lane, now_ms: u64, visible_ms: u64) -> Entry {
        let first_ms = if self.deliveries == 0 { now_ms } else { self.first_ms };
        let deliveries = self.deliveries.saturating_add(1);
        let entry = Entry { visible_ms, first_ms, deliveries, ..self };
        if lane == Lane::Dead { entry.dead() } else { entry }
    }

    /// The record visible from another moment on.
    #[must_use]
    pub fn visible_from(self, visible_ms: u64) -> Entry {
        Entry { visible_ms, ..self }
    }

    /// The record as a dead letter, whatever its receive count.
    #[must_use]
    pub fn dead(self) -> Entry {
        Entry { restored: self.restored | DEAD, ..self }
    }

    /// The record back in the normal lane, its receive count 0.
    #[must_use]
    pub fn restored(self, now_ms: u64) -> Entry {
        Entry { visible_ms: now_ms, restored: self.deliveries & !DEAD, ..self }
    }

    /// Whether it was made a dead letter for good.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.restored & DEAD != 0
    }

    /// How often it was received since it was last restored.
    #[must_use]
    pub fn receive_count(&self) -> u32 {
        self.deliveries.saturating_sub(self.restored & !DEAD)
    }

    /// The lane that it is in once it is visible.
    #[must_use]
    pub fn lane(&self, receive_count_max: Option<u32>) -> Lane {
        let is_spent = receive_count_max.is_some_and(|max| self.receive_count() >= max);
        if self.is_dead() || is_spent { Lane::Dead } else { Lane::Normal }
    }

    /// Its bytes.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.visible_ms.to_le_bytes());
        out.extend_from_slice(&self.first_ms.to_le_bytes());
        out.extend_from_slice(&self.deliveries.to_le_bytes());
        out.extend_from_slice(&self.restored.to_le_bytes());
    }

    /// The entry in `bytes`; `None` when it was restored more often than delivered, or is
    /// never visible.
    pub(super) fn decode(bytes: &[u8; ENTRY_BYTES]) -> Option<Entry> {
        let (visible_ms, rest) = bytes.split_first_chunk()?;
        let (first_ms, rest) = rest.split_first_chunk()?;
        let (deliveries, restored) = rest.split_first_chunk()?;
        let entry = Entry {
            visible_ms: u64::from_le_bytes(*visible_ms),
            first_ms: u64::from_le_bytes(*first_ms),
            deliveries: u32::from_le_bytes(*deliveries),
            restored: u32::from_le_bytes(restored.try_into().ok()?),
        };
        let is_possible = entry.restored & !DEAD <= entry.deliveries && entry.visible_ms < NEVER;
        is_possible.then_some(entry)
    }
}
