//! What a queue delivered and what consumers acknowledged; the verdict on it.
//!
//! Every request and every answer has its moment, so that it is known what came before what: an
//! acknowledgement that was answered before a receive was asked keeps its record out of it. Of two
//! requests that overlap nothing is known.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::kill::ledger::Ledger;
use crate::kill::record::Name;
use crate::verdict::Broken;

/// Gives out moments, each behind all before it.
#[derive(Clone, Debug, Default)]
pub struct Moments(Arc<AtomicU64>);

impl Moments {
    /// The next one.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }
}

/// A record was delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The record's identity.
    pub record_id: String,
    /// How often it was received, as the queue says.
    pub receive_count: u64,
    /// When the receive was sent.
    pub asked: u64,
    /// When it was answered.
    pub answered: u64,
}

/// What a consumer knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// It received a record.
    Delivered(Name, Delivery),
    /// It received something whose bytes are wrong.
    WrongBytes(String),
    /// It is about to send an acknowledgement.
    Settling(Name),
    /// The acknowledgement was answered: granted at that moment, or refused.
    Settled(Name, Option<u64>),
}

/// What happened to one record.
#[derive(Clone, Debug, Default)]
struct Story {
    deliveries: Vec<Delivery>,
    /// When its acknowledgement was first answered.
    acknowledged: Option<u64>,
    /// Acknowledgements without an answer: they may count or not.
    unanswered: u64,
}

/// Everything that the consumers know.
#[derive(Clone, Debug, Default)]
pub struct Deliveries {
    stories: BTreeMap<Name, Story>,
    wrong: Vec<String>,
}

/// Something that must not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueueFinding {
    /// It was delivered although its acknowledgement had been answered.
    Redelivered(Name),
    /// It was put, and is not delivered although nobody acknowledged it.
    NotDelivered(Name),
    /// It is in the stream more than once.
    Doubled(Name),
    /// A delivery that was answered was not counted.
    NotCounted(Name),
    /// Nobody sent it.
    Unknown(Name),
    /// The bytes of the record of this identity are not what was sent.
    WrongBytes(String),
}

impl QueueFinding {
    /// Which promise it breaks.
    #[must_use]
    pub const fn broken(&self) -> Broken {
        match self {
            QueueFinding::Redelivered(_)
            | QueueFinding::NotDelivered(_)
            | QueueFinding::NotCounted(_) => Broken::Lost,
            QueueFinding::Doubled(_) => Broken::Duplicated,
            QueueFinding::Unknown(_) => Broken::Phantom,
            QueueFinding::WrongBytes(_) => Broken::WrongBytes,
        }
    }
}

impl fmt::Display for QueueFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, name) = match self {
            QueueFinding::Redelivered(name) => ("delivered after its acknowledgement", name),
            QueueFinding::NotDelivered(name) => ("not delivered", name),
            QueueFinding::Doubled(name) => ("delivered under two identities", name),
            QueueFinding::NotCounted(name) => ("delivery not counted", name),
            QueueFinding::Unknown(name) => ("delivered and never sent", name),
            QueueFinding::WrongBytes(id) => return write!(f, "queue: wrong bytes record=`{id}`"),
        };
        write!(f, "queue: {what} writer=`{}` number=`{}`", name.writer, name.number)
    }
}

impl Deliveries {
    /// Adds what consumers know.
    pub fn note(&mut self, notes: impl IntoIterator<Item = Note>) {
        for note in notes {
            match note {
                Note::Delivered(name, delivery) => self.story(name).deliveries.push(delivery),
                Note::WrongBytes(record_id) => self.wrong.push(record_id),
                Note::Settling(name) => self.story(name).unanswered += 1,
                Note::Settled(name, granted) => {
                    let story = self.story(name);
                    assert!(story.unanswered > 0, "an answer has its request");
                    story.unanswered -= 1;
                    story.acknowledged = story.acknowledged.into_iter().chain(granted).min();
                }
            }
        }
    }

    /// Claims an acknowledgement at `moment` that was never sent, of a record that the queue owes.
    /// Which one; none when it owes nothing.
    pub fn plant(&mut self, ledger: &Ledger, queued: &str, moment: u64) -> Option<Name> {
        let name = owed(ledger, queued).find(|name| !self.may_be_done(*name))?;
        self.story(name).acknowledged = Some(moment);
        Some(name)
    }

    /// Deliveries, and records acknowledged.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        let deliveries = self.stories.values().map(|story| story.deliveries.len()).sum();
        let done = self.stories.values().filter(|story| story.acknowledged.is_some()).count();
        (deliveries, done)
    }

    /// All that is wrong with what was delivered, given what `ledger` says.
    #[must_use]
    pub fn check(&self, ledger: &Ledger) -> Vec<QueueFinding> {
        let wrong = self.wrong.iter().cloned().map(QueueFinding::WrongBytes);
        let mut findings: Vec<_> = wrong.collect();
        for (name, story) in &self.stories {
            let mut find = |is_wrong, finding: fn(Name) -> QueueFinding| {
                if is_wrong {
                    findings.push(finding(*name));
                }
            };
            let all = &story.deliveries;
            let done = story.acknowledged;
            find(
                all.iter().any(|it| done.is_some_and(|done| it.asked > done)),
                QueueFinding::Redelivered,
            );
            find(all.iter().any(|it| it.record_id != all[0].record_id), QueueFinding::Doubled);
            let is_counted = |before: &Delivery, it: &Delivery| {
                before.answered > it.asked || before.receive_count < it.receive_count
            };
            find(
                all.iter().any(|it| all.iter().any(|before| !is_counted(before, it))),
                QueueFinding::NotCounted,
            );
            find(!ledger.was_sent(*name), QueueFinding::Unknown);
        }
        findings
    }

    /// The records that the queue still owes when it has delivered all that it has, which began at
    /// `moment`.
    #[must_use]
    pub fn check_drained(&self, ledger: &Ledger, queued: &str, moment: u64) -> Vec<QueueFinding> {
        let was_delivered = |name: &Name| {
            let story = self.stories.get(name);
            story.is_some_and(|story| story.deliveries.iter().any(|it| it.asked > moment))
        };
        owed(ledger, queued)
            .filter(|name| !self.may_be_done(*name) && !was_delivered(name))
            .map(QueueFinding::NotDelivered)
            .collect()
    }

    /// Whether the queue may be done with a record.
    fn may_be_done(&self, name: Name) -> bool {
        let story = self.stories.get(&name);
        story.is_some_and(|story| story.acknowledged.is_some() || story.unanswered > 0)
    }

    fn story(&mut self, name: Name) -> &mut Story {
        self.stories.entry(name).or_default()
    }
}

/// The records that were put into the stream of the queue.
fn owed<'a>(ledger: &'a Ledger, queued: &'a str) -> impl Iterator<Item = Name> + 'a {
    let in_queue = ledger.acknowledged.iter().filter(move |(_, at)| at.shard.stream == queued);
    in_queue.map(|(name, _)| *name)
}
