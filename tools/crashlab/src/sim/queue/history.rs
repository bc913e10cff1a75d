//! What was delivered and acknowledged, and what must hold.

use std::collections::{BTreeMap, BTreeSet};

use flowstone_server::service::queue::{Lane, Place, Receipt, Refusal, Wish};

/// Receives after which a record is a dead letter, in simulations.
pub const RECEIVE_COUNT_MAX: u32 = 3;

/// A promise that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broken {
    /// The server does not open, or does not go on.
    DoesNotGoOn(String),
    /// A record was delivered although its acknowledgement was answered.
    Resurrected(String),
    /// A record is not delivered although nobody acknowledged it.
    Lost(String),
    /// A record was delivered while it was not visible, or too often, or with an old receipt.
    Disorder(String),
}

/// A record that was delivered.
#[derive(Clone, Copy, Debug)]
pub struct Delivery {
    /// What it is acknowledged with.
    pub receipt: Receipt,
    /// How often it was received.
    pub receive_count: u32,
    /// When it is visible again.
    pub visible_ms: u64,
}

/// What happened.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// Deliveries that were answered, in order.
    pub deliveries: Vec<Delivery>,
    numbers: BTreeSet<(Place, u32)>,
    newest: BTreeMap<Place, u32>,
    /// Until when records are not visible, where nothing is under way that changes it.
    invisible_until_ms: BTreeMap<Place, u64>,
    /// Records whose acknowledgement was answered.
    acknowledged: BTreeSet<Place>,
    /// Records whose acknowledgement was asked for.
    asked: BTreeSet<Place>,
    /// Records of any shard before this one may have expired.
    expired_below: u64,
    /// Granted wishes.
    pub granted: u64,
}

impl History {
    /// How many acknowledgements were answered.
    #[must_use]
    pub fn acknowledged(&self) -> usize {
        self.acknowledged.len()
    }

    /// Notes records that a receive was answered with.
    pub fn delivered(&mut self, delivery: Delivery, now_ms: u64) -> Result<(), Broken> {
        let Receipt { place, delivery: number, lane, .. } = delivery.receipt;
        let what = format!("{delivery:?} at {now_ms}");
        if self.acknowledged.contains(&place) {
            return Err(Broken::Resurrected(what));
        }
        if !self.numbers.insert((place, number)) {
            return Err(Broken::Disorder(format!("a delivery's number again: {what}")));
        }
        if lane == Lane::Normal && delivery.receive_count > RECEIVE_COUNT_MAX {
            return Err(Broken::Disorder(format!("too often: {what}")));
        }
        self.deliveries.push(delivery);
        // Answers need not come in the order of the deliveries.
        let newest = self.newest.entry(place).or_default();
        if *newest < number {
            *newest = number;
            let until_ms = self.invisible_until_ms.insert(place, delivery.visible_ms);
            if until_ms.is_some_and(|until_ms| now_ms < until_ms) {
                return Err(Broken::Disorder(format!("while it is not visible: {what}")));
            }
        }
        Ok(())
    }

    /// Notes that a wish is asked for: from now on it may be granted at any time.
    pub fn asked(&mut self, receipt: &Receipt, wish: Wish) {
        match wish {
            Wish::Acknowledge => drop(self.asked.insert(receipt.place)),
            Wish::Reappear(_) | Wish::Restore => {
                self.invisible_until_ms.remove(&receipt.place);
            }
        }
    }

    /// Notes how a wish was answered.
    pub fn answered(&mut self, receipt: &Receipt, wish: Wish, verdict: Result<(), Refusal>) {
        if verdict.is_ok() {
            self.granted += 1;
            if wish == Wish::Acknowledge {
                self.acknowledged.insert(receipt.place);
            }
        }
    }

    /// Notes that records before `below` may have expired: they need not be delivered any more.
    pub fn may_expire(&mut self, below: u64) {
        self.expired_below = below;
    }

    /// Holds what a recovered queue delivered in the end against the records that are in the
    /// stream.
    pub fn check_drained(
        &self,
        there: &BTreeSet<Place>,
        drained: &BTreeSet<Place>,
    ) -> Result<(), Broken> {
        let is_excused =
            |place: &&Place| self.asked.contains(place) || place.seq < self.expired_below;
        match there.difference(drained).find(|place| !is_excused(place)) {
            Some(place) => Err(Broken::Lost(format!("{place:?}"))),
            None => Ok(()),
        }
    }
}
