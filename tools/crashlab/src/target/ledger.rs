//! What was sent to a store, what it acknowledged, and the verdict on what it then has.

use std::collections::HashSet;

use crate::target::record::{encode, number_of};
use crate::verdict::{Broken, Tally};

/// What a store said that it has: for each log its records, and what it says of damage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dump {
    /// The records of each log, in order.
    pub logs: Vec<Vec<String>>,
    /// What it said of damage, at its start and in the dump.
    pub damages: Vec<String>,
}

/// What is known of one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Sent; it may be there or not.
    Open,
    /// Acknowledged, at this moment.
    Acknowledged(u64),
    /// Not acknowledged, and seen: it may not go away any more.
    Seen,
    /// Not acknowledged, and not there when all was read: it may not come any more.
    Gone,
}

#[derive(Clone, Copy, Debug)]
struct Sent {
    log: usize,
    at: u64,
    fate: Fate,
}

/// How far a ledger was at some moment: what was acknowledged by then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark(u64);

/// All that was sent to one store, over all its lives.
#[derive(Clone, Debug)]
pub struct Ledger {
    salt: u64,
    /// Record number n is at n - 1.
    sent: Vec<Sent>,
    /// Counts what happened: sends and acknowledgements.
    moment: u64,
    acknowledged: u64,
}

impl Ledger {
    /// The ledger of a new store. Records of another salt are never the same.
    #[must_use]
    pub fn new(salt: u64) -> Ledger {
        Ledger { salt, sent: Vec::new(), moment: 0, acknowledged: 0 }
    }

    /// How many records were acknowledged.
    #[must_use]
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// Now.
    #[must_use]
    pub fn mark(&self) -> Mark {
        Mark(self.moment)
    }

    /// A new record for `log`: its number, and its data.
    pub fn send(&mut self, log: usize) -> (u64, String) {
        self.moment += 1;
        self.sent.push(Sent { log, at: self.moment, fate: Fate::Open });
        let number = self.sent.len() as u64;
        (number, encode(self.salt, number))
    }

    /// Notes an acknowledgement. False when no such record waits for one.
    pub fn acknowledge(&mut self, number: u64) -> bool {
        self.moment += 1;
        let moment = self.moment;
        match self.entry(number) {
            Some(sent) if sent.fate == Fate::Open => {
                sent.fate = Fate::Acknowledged(moment);
                self.acknowledged += 1;
                true
            }
            _ => false,
        }
    }

    /// The ledger as it was at `mark`: later acknowledgements were not given yet, later records may
    /// be there or not.
    #[must_use]
    pub fn at(&self, mark: Mark) -> Ledger {
        let mut then = self.clone();
        for sent in &mut then.sent {
            if matches!(sent.fate, Fate::Acknowledged(at) if at > mark.0) {
                sent.fate = Fate::Open;
                then.acknowledged -= 1;
            }
        }
        then
    }

    /// Adds to `tally` all that is wrong with `dump`. With `is_damaged`, bytes were destroyed: a
    /// store may then miss records if it says so; without, it must not claim damage.
    ///
    /// What the dump shows counts from then on as what the store has.
    pub fn check(&mut self, dump: &Dump, is_damaged: bool, replay: &str, tally: &mut Tally) {
        tally.state(self.acknowledged);
        let mut seen: HashSet<u64> = HashSet::new();
        for (log, records) in dump.logs.iter().enumerate() {
            self.check_log(log, records, &mut seen, replay, tally);
        }
        if let Some(damage) = dump.damages.first().filter(|_| !is_damaged) {
            tally.found(Broken::FalseAlarm, damage, replay);
        }
        let is_reported = is_damaged && !dump.damages.is_empty();
        for (sent, number) in self.sent.iter_mut().zip(1..) {
            let is_there = seen.contains(&number);
            match sent.fate {
                Fate::Acknowledged(_) | Fate::Seen if !is_there && is_reported => {}
                Fate::Acknowledged(_) if !is_there => {
                    let what = format!("record {number} of log {} was acknowledged", sent.log);
                    tally.found(Broken::Lost, what, replay);
                }
                Fate::Seen if !is_there => {
                    let what = format!("record {number} of log {} was read before", sent.log);
                    tally.found(Broken::Lost, what, replay);
                }
                Fate::Open => sent.fate = if is_there { Fate::Seen } else { Fate::Gone },
                _ => {}
            }
        }
    }

    fn check_log(
        &self,
        log: usize,
        records: &[String],
        seen: &mut HashSet<u64>,
        replay: &str,
        tally: &mut Tally,
    ) {
        let mut newest_sent = 0;
        for data in records {
            let shown: String = data.chars().take(40).collect();
            let known = number_of(data).and_then(|number| Some((number, self.look(number)?)));
            let Some((number, sent)) = known else {
                tally.found(Broken::Phantom, format!("log {log}: nobody sent {shown}"), replay);
                continue;
            };
            if *data != encode(self.salt, number) {
                tally.found(Broken::WrongBytes, format!("log {log}: {shown}"), replay);
                continue;
            }
            if sent.log != log {
                let what = format!("record {number} was sent to log {}, is in {log}", sent.log);
                tally.found(Broken::Phantom, what, replay);
            }
            if !seen.insert(number) {
                tally.found(Broken::Duplicated, format!("record {number} of log {log}"), replay);
            }
            match sent.fate {
                Fate::Acknowledged(at) if newest_sent > at => {
                    let what = format!("record {number} of log {log}, behind one sent after it");
                    tally.found(Broken::Reordered, what, replay);
                }
                Fate::Gone => {
                    let what = format!("record {number} of log {log} was gone, and is back");
                    tally.found(Broken::Phantom, what, replay);
                }
                _ => {}
            }
            newest_sent = newest_sent.max(sent.at);
        }
    }

    fn look(&self, number: u64) -> Option<Sent> {
        self.sent.get(index(number)?).copied()
    }

    fn entry(&mut self, number: u64) -> Option<&mut Sent> {
        self.sent.get_mut(index(number)?)
    }
}

fn index(number: u64) -> Option<usize> {
    usize::try_from(number.checked_sub(1)?).ok()
}
