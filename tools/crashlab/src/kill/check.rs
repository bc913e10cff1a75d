//! The verdict on what was read back.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use crate::kill::ledger::{Ledger, Sequence, Shard};
use crate::kill::record::{Name, key_of};
use crate::verdict::Broken;

/// A record as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its sequence number.
    pub sequence: Sequence,
    /// Who it says it is; `None` when its bytes are wrong.
    pub name: Option<Name>,
}

/// All records, shard by shard, in the order in which they were read. A stream's shards come behind
/// their parents.
pub type ReadBack = BTreeMap<Shard, Vec<Seen>>;

/// Something that must not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// It was acknowledged, and it is not there.
    Lost(Name, Shard, Sequence),
    /// It is there more than once.
    Doubled(Name, Shard, Sequence),
    /// It is not where the acknowledgement said.
    Moved(Name, Shard, Sequence),
    /// It comes behind a record with the same or a higher sequence number.
    OutOfOrder(Shard, Sequence),
    /// It comes behind a record that its writer sent later.
    WriterOrder(Name, Shard, Sequence),
    /// It comes behind a record of its key that its writer sent later.
    KeyOrder(Name, Shard, Sequence),
    /// The shard was split or merged, and is open.
    Reopened(Shard),
    /// Its bytes are not what was sent.
    WrongBytes(Shard, Sequence),
    /// Nobody sent it.
    Unknown(Name, Shard, Sequence),
}

impl Finding {
    /// Which promise it breaks.
    #[must_use]
    pub const fn broken(&self) -> Broken {
        match self {
            Finding::Lost(..) | Finding::Reopened(_) => Broken::Lost,
            Finding::Doubled(..) => Broken::Duplicated,
            Finding::Moved(..) | Finding::Unknown(..) => Broken::Phantom,
            Finding::OutOfOrder(..) | Finding::WriterOrder(..) | Finding::KeyOrder(..) => {
                Broken::Reordered
            }
            Finding::WrongBytes(..) => Broken::WrongBytes,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, name, shard, sequence) = match self {
            Finding::Lost(name, shard, at) => ("lost", Some(name), shard, at),
            Finding::Doubled(name, shard, at) => ("doubled", Some(name), shard, at),
            Finding::Moved(name, shard, at) => ("moved", Some(name), shard, at),
            Finding::OutOfOrder(shard, at) => ("out of order", None, shard, at),
            Finding::WriterOrder(name, shard, at) => {
                ("out of its writer's order", Some(name), shard, at)
            }
            Finding::KeyOrder(name, shard, at) => ("out of its key's order", Some(name), shard, at),
            Finding::Reopened(shard) => return write!(f, "open again shard=`{shard}`"),
            Finding::WrongBytes(shard, at) => ("wrong bytes", None, shard, at),
            Finding::Unknown(name, shard, at) => ("never sent", Some(name), shard, at),
        };
        write!(f, "{what} shard=`{shard}` sequence=`{}`", sequence.0)?;
        match name {
            Some(Name { writer, number }) => write!(f, " writer=`{writer}` number=`{number}`"),
            None => Ok(()),
        }
    }
}

/// All that is wrong with `read`, given what `ledger` says. Records that were sent and not
/// acknowledged may be there once, or not.
#[must_use]
pub fn check(ledger: &Ledger, read: &ReadBack) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut seen_at: HashMap<Name, (&Shard, &Sequence)> = HashMap::new();
    let mut newest_of_keys: Option<(&String, Newest<'_>)> = None;
    for (shard, records) in read {
        check_order(shard, records, &mut findings);
        if newest_of_keys.as_ref().is_none_or(|(stream, _)| *stream != &shard.stream) {
            newest_of_keys = Some((&shard.stream, HashMap::new()));
        }
        if let Some((_, newest)) = &mut newest_of_keys {
            check_keys(shard, records, newest, &mut findings);
        }
        for Seen { sequence, name } in records {
            let Some(name) = *name else {
                findings.push(Finding::WrongBytes(shard.clone(), sequence.clone()));
                continue;
            };
            if !ledger.was_sent(name) {
                findings.push(Finding::Unknown(name, shard.clone(), sequence.clone()));
            }
            if seen_at.insert(name, (shard, sequence)).is_some() {
                findings.push(Finding::Doubled(name, shard.clone(), sequence.clone()));
            }
        }
    }
    for (name, place) in &ledger.acknowledged {
        match seen_at.get(name) {
            None => {
                let (shard, sequence) = (place.shard.clone(), place.sequence.clone());
                findings.push(Finding::Lost(*name, shard, sequence));
            }
            Some((shard, sequence)) if **shard != place.shard || **sequence != place.sequence => {
                let (shard, sequence) = ((*shard).clone(), (*sequence).clone());
                findings.push(Finding::Moved(*name, shard, sequence));
            }
            Some(_) => {}
        }
    }
    findings
}

/// The shards that are open although their split or merge was answered.
#[must_use]
pub fn check_closed(ledger: &Ledger, finished: &BTreeSet<Shard>) -> Vec<Finding> {
    ledger.closed.difference(finished).cloned().map(Finding::Reopened).collect()
}

/// The newest number and sequence number of each writer's records with a key.
type Newest<'a> = HashMap<(u32, u64), (u64, &'a Sequence)>;

/// Holds a shard's records against those of the shards that it comes behind.
fn check_keys<'a>(
    shard: &Shard,
    records: &'a [Seen],
    newest: &mut Newest<'a>,
    findings: &mut Vec<Finding>,
) {
    for Seen { sequence, name } in records {
        let Some(name) = *name else { continue };
        let before = newest.insert((name.writer, key_of(name)), (name.number, sequence));
        if before.is_some_and(|(number, at)| name.number < number || sequence < at) {
            findings.push(Finding::KeyOrder(name, shard.clone(), sequence.clone()));
        }
    }
}

fn check_order(shard: &Shard, records: &[Seen], findings: &mut Vec<Finding>) {
    let mut last: Option<&Sequence> = None;
    let mut newest: HashMap<u32, u64> = HashMap::new();
    for Seen { sequence, name } in records {
        if last.is_some_and(|last| sequence <= last) {
            findings.push(Finding::OutOfOrder(shard.clone(), sequence.clone()));
        }
        last = Some(sequence);
        if let Some(name) = *name {
            let newest = newest.entry(name.writer).or_default();
            // The same number again is a doubling, which is found elsewhere.
            if name.number < *newest {
                findings.push(Finding::WriterOrder(name, shard.clone(), sequence.clone()));
            }
            *newest = name.number.max(*newest);
        }
    }
}
