//! Receipts: what a consumer shows to acknowledge a delivery, to move it, or to restore it.

use flowstone_engine::types::Timestamp;

use crate::planted::{Bug, is_planted};
use crate::service::iterator::{Purpose, Tokens};
use crate::service::queue::entry::{Entry, Lane};
use crate::service::queue::event::Event;
use crate::service::queue::state::{Place, State};

/// One delivery of one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The queue's identity.
    pub queue: u64,
    /// The record.
    pub place: Place,
    /// Which of the record's deliveries.
    pub delivery: u32,
    /// The lane that it was received from.
    pub lane: Lane,
}

/// What a consumer wants of a record that it has received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Never deliver it again.
    Acknowledge,
    /// Deliver it again so many milliseconds from now.
    Reappear(u64),
    /// Take it for no dead letter any more.
    Restore,
}

/// Why a wish is not granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The receipt is not one of this queue, or not one at all.
    Foreign,
    /// It is of the queue's other lane.
    OtherLane,
    /// The record was delivered again since.
    Superseded,
    /// The record is no longer in flight.
    Gone,
    /// The record has become a dead letter.
    Dead,
    /// The record was restored.
    Restored,
}

impl Tokens {
    /// The text of a receipt. Every call gives another one.
    #[must_use]
    pub fn seal_receipt(&self, now: Timestamp, receipt: &Receipt) -> String {
        let mut body = Vec::with_capacity(25);
        body.extend_from_slice(&receipt.queue.to_le_bytes());
        body.extend_from_slice(&receipt.place.shard.to_le_bytes());
        body.extend_from_slice(&receipt.place.seq.to_le_bytes());
        body.extend_from_slice(&receipt.delivery.to_le_bytes());
        body.push(u8::from(receipt.lane == Lane::Dead));
        self.seal(Purpose::Receipt, now, &body)
    }

    /// The receipt in `token`.
    #[must_use]
    pub fn open_receipt(&self, token: &str) -> Option<Receipt> {
        let opened = self.open(Purpose::Receipt, token)?;
        let (queue, rest) = opened.content.split_first_chunk()?;
        let (shard, rest) = rest.split_first_chunk()?;
        let (seq, rest) = rest.split_first_chunk()?;
        let (delivery, lane) = rest.split_first_chunk()?;
        Some(Receipt {
            queue: u64::from_le_bytes(*queue),
            place: Place { shard: u32::from_le_bytes(*shard), seq: u64::from_le_bytes(*seq) },
            delivery: u32::from_le_bytes(*delivery),
            lane: if lane == [0] { Lane::Normal } else { Lane::Dead },
        })
    }
}

/// What the wishes of one call come to, each seeing those before it.
///
/// A wish that was granted before is granted again, so that a client may send a request twice; and
/// with an event again, so that it is not answered before the first one is durable.
#[must_use]
pub fn decide(
    state: &State,
    now_ms: u64,
    lane: Lane,
    wishes: &[(Receipt, Wish)],
) -> (Vec<Event>, Vec<Result<(), Refusal>>) {
    // What the records are after the wishes so far; a call has few.
    let mut after: Vec<(Place, Option<Entry>)> = Vec::new();
    let mut events = Vec::new();
    let mut verdicts = Vec::with_capacity(wishes.len());
    for (receipt, wish) in wishes {
        let place = receipt.place;
        let changed = after.iter().rev().find(|(other, _)| *other == place);
        let entry = changed.map_or_else(|| state.entry(place), |(_, entry)| *entry);
        let verdict = if receipt.lane != lane {
            Err(Refusal::OtherLane)
        } else if place.seq >= state.cursor(place.shard) {
            Err(Refusal::Foreign)
        } else {
            judge(state, now_ms, receipt, *wish, entry)
        };
        let is_known = entry.is_none() && is_planted(Bug::TrustMemoryOfAcknowledged);
        if let Ok(entry) = verdict
            && !is_known
        {
            let Place { shard, seq } = place;
            events.push(match entry {
                Some(entry) => Event::Assigned { shard, seq, entry },
                None => Event::Acknowledged { shard, seq },
            });
            after.push((place, entry));
        }
        verdicts.push(verdict.map(|_| ()));
    }
    (events, verdicts)
}

/// What becomes of a record: the entry that it has then, or none.
fn judge(
    state: &State,
    now_ms: u64,
    receipt: &Receipt,
    wish: Wish,
    entry: Option<Entry>,
) -> Result<Option<Entry>, Refusal> {
    let Some(entry) = entry else {
        // Below the cursor and not in flight: it was acknowledged, or has expired.
        return if wish == Wish::Acknowledge { Ok(None) } else { Err(Refusal::Gone) };
    };
    if entry.deliveries != receipt.delivery {
        return Err(Refusal::Superseded);
    }
    if receipt.lane == Lane::Dead && !entry.is_dead() {
        return if wish == Wish::Restore { Ok(Some(entry)) } else { Err(Refusal::Restored) };
    }
    let has_died = entry.visible_ms <= now_ms
        && entry.lane(state.receive_count_max()) == Lane::Dead
        && receipt.lane == Lane::Normal;
    match wish {
        Wish::Acknowledge => Ok(None),
        Wish::Reappear(_) if has_died => Err(Refusal::Dead),
        Wish::Reappear(ms) => Ok(Some(entry.visible_from(now_ms.saturating_add(ms)))),
        Wish::Restore if receipt.lane == Lane::Normal => Err(Refusal::OtherLane),
        Wish::Restore => Ok(Some(entry.restored(now_ms))),
    }
}
