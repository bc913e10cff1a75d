//! What must be served from a disk, and whether an engine on a damaged copy of it serves that.

use std::collections::{BTreeMap, BTreeSet};

use flowstone_engine::error::{Error, ErrorKind, Result};
use flowstone_engine::shard::{ReadFrom, ReadLimit};
use flowstone_engine::types::{SeqNo, ShardId};

use crate::sim::rig::Rig;
use crate::verdict::Broken;

/// Tables whose rows must stay as they are whatever the engine finds: all but what it notes about
/// damage, and what its own work moves on.
pub const TABLES: [&str; 7] = [
    "engine.shards",
    "server.streams",
    "server.consumers",
    "server.queues",
    "server.accounts",
    "server.secrets",
    "engine.ends",
];
/// Tables that are compared before the engine has done anything.
pub const TABLES_AT_FIRST: [&str; 3] = ["engine.segments", "engine.dropped", "engine.numbers"];

/// What is appended to every shard of a disk that is worked on.
pub const AFTER: &[u8] = b"after";

type Row = (Vec<u8>, Vec<u8>);
type Found = (Broken, String);

/// What a disk is known to hold.
pub struct Known {
    shards: BTreeMap<ShardId, (SeqNo, Vec<Vec<u8>>)>,
    rows: Vec<(&'static str, Vec<Row>)>,
    /// How many records are served from the whole disk.
    pub records: u64,
}

/// What an engine on a damaged disk did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Served {
    /// Up to where each shard is served.
    pub upto: BTreeMap<ShardId, SeqNo>,
    /// Shards of which a reader is told that something is damaged.
    pub reported: BTreeSet<ShardId>,
    /// Records that were read, and right.
    pub records: u64,
}

impl Known {
    /// What an engine on the whole disk serves: it must be what was acknowledged.
    pub fn of(rig: &Rig, acked: BTreeMap<ShardId, (SeqNo, Vec<Vec<u8>>)>) -> Result<Known> {
        let records = acked.values().map(|(_, records)| records.len() as u64).sum();
        let tables = TABLES.iter().chain(&TABLES_AT_FIRST);
        let rows = tables.map(|table| Ok((*table, rig.engine.catalog().scan_bytes(table)?)));
        let known = Known { shards: acked, rows: rows.collect::<Result<_>>()?, records };
        let served = known.check(rig, true).map_err(|(broken, what)| wrong(broken, &what))?;
        if served.records != records || !served.reported.is_empty() {
            return Err(wrong(Broken::Lost, "on the whole disk"));
        }
        Ok(known)
    }

    /// How many rows of the catalog are compared.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows.iter().map(|(_, rows)| rows.len()).sum()
    }

    /// Whether what `rig` serves is right, and what it does not serve is reported.
    pub fn check(&self, rig: &Rig, is_first: bool) -> Result<Served, Found> {
        self.check_rows(rig, is_first)?;
        let after = if is_first { &[][..] } else { AFTER };
        let mut served = Served::default();
        for (shard, (first, records)) in &self.shards {
            self.check_shard(rig, *shard, (*first, records), after, &mut served)?;
        }
        Ok(served)
    }

    fn check_rows(&self, rig: &Rig, is_first: bool) -> Result<(), Found> {
        let tables = if is_first { self.rows.len() } else { TABLES.len() };
        for (table, rows) in &self.rows[..tables] {
            let found = match rig.engine.catalog().scan_bytes(table) {
                Ok(found) => found,
                Err(error) if is_report(&error) => continue,
                Err(error) => return Err((Broken::Unusable, format!("{table}: {error}"))),
            };
            if found == *rows {
                continue;
            }
            let broken = match found.len().cmp(&rows.len()) {
                std::cmp::Ordering::Less => Broken::Undetected,
                std::cmp::Ordering::Equal => Broken::WrongBytes,
                std::cmp::Ordering::Greater => Broken::Phantom,
            };
            return Err((broken, format!("rows of {table} are not what was committed")));
        }
        Ok(())
    }

    fn check_shard(
        &self,
        rig: &Rig,
        shard: ShardId,
        (first, records): (SeqNo, &[Vec<u8>]),
        after: &[u8],
        served: &mut Served,
    ) -> Result<(), Found> {
        let told = |error: &Error, what: &str| match is_report(error) {
            true => Ok(()),
            false => Err((Broken::Lost, format!("shard {shard}: {what}: {error}"))),
        };
        let mut next = match rig.engine.resolve(shard, ReadFrom::TrimHorizon) {
            Ok(next) => next,
            Err(error) => {
                served.reported.insert(shard);
                return told(&error, "where it begins");
            }
        };
        if next != first {
            let broken = if next > first { Broken::Undetected } else { Broken::Phantom };
            return Err((broken, format!("shard {shard}: begins at {next}, not at {first}")));
        }
        loop {
            let limit = ReadLimit { records: 5, bytes: 5000 };
            let read = match rig.engine.read(shard, next, limit) {
                Ok(read) => read,
                Err(error) => {
                    told(&error, "reading")?;
                    served.reported.insert(shard);
                    break;
                }
            };
            if read.count() == 0 {
                if next.0 < first.0 + records.len() as u64 {
                    return Err((Broken::Undetected, format!("shard {shard}: {next} is missing")));
                }
                break;
            }
            for record in read.records() {
                let index = record.seq.0.checked_sub(first.0).and_then(|i| usize::try_from(i).ok());
                match index.and_then(|index| records.get(index)) {
                    Some(data) if data == record.record.data => served.records += 1,
                    None if index == Some(records.len()) && record.record.data == after => {}
                    Some(_) => {
                        let what = format!("shard {shard}: wrong data at {}", record.seq);
                        return Err((Broken::WrongBytes, what));
                    }
                    None => {
                        let what = format!("shard {shard}: made up at {}", record.seq);
                        return Err((Broken::Phantom, what));
                    }
                }
            }
            next = read.next();
        }
        served.upto.insert(shard, next);
        Ok(())
    }

    /// Where each shard ends.
    pub fn ends(&self) -> impl Iterator<Item = (ShardId, SeqNo)> {
        self.shards
            .iter()
            .map(|(shard, (first, records))| (*shard, SeqNo(first.0 + records.len() as u64)))
    }
}

/// Whether an error tells that something is damaged.
#[must_use]
pub fn is_report(error: &Error) -> bool {
    error.kind() == ErrorKind::Corrupt || is_newer(error)
}

/// Whether an error says that something is of a newer version: what a version number that rots
/// looks like where nothing but its value could say so.
#[must_use]
pub fn is_newer(error: &Error) -> bool {
    error.kind() == ErrorKind::Invalid
}

fn wrong(broken: Broken, what: &str) -> Error {
    Error::new(ErrorKind::Corrupt, format!("{}: {what}", broken.name()))
}
