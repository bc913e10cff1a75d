//! What must be served from a disk, and whether an engine on a damaged copy of it serves that.

use std::collections::{BTreeMap, BTreeSet};

use flowstone_engine::error::{Error, ErrorKind, Result};
use flowstone_engine::shard::{ReadFrom, ReadLimit, ReadRecord};
use flowstone_engine::types::{SeqNo, ShardId, Timestamp};

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

/// What is known of a shard.
struct KnownShard {
    first: SeqNo,
    records: Vec<(Timestamp, Vec<u8>)>,
}

/// What a disk is known to hold.
pub struct Known {
    shards: BTreeMap<ShardId, KnownShard>,
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
        let rows = rows.collect::<Result<_>>()?;
        let mut shards = BTreeMap::new();
        for (shard, (first, data)) in acked {
            let times = arrivals(rig, shard)?;
            if times.len() != data.len() {
                return Err(wrong(Broken::Lost, "on the whole disk"));
            }
            let records = times.into_iter().zip(data).collect();
            shards.insert(shard, KnownShard { first, records });
        }
        let known = Known { shards, rows, records };
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
        for (shard, known) in &self.shards {
            if known.check(rig, *shard, after, &mut served)? {
                known.check_time(rig, *shard, &mut served)?;
            }
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
            // Each start notes anew where the journal ends.
            let compared = |rows: &[Row]| -> Vec<Row> {
                let rows = rows.iter().filter(|(key, _)| key != b"journal_end");
                rows.cloned().collect()
            };
            let (found, rows) = (compared(&found), compared(rows));
            if found == rows {
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

    /// Where each shard ends.
    pub fn ends(&self) -> impl Iterator<Item = (ShardId, SeqNo)> {
        self.shards.iter().map(|(shard, known)| (*shard, known.end()))
    }
}

impl KnownShard {
    fn end(&self) -> SeqNo {
        SeqNo(self.first.0 + self.records.len() as u64)
    }

    /// Reads all of it. Whether there is a place where reads can begin.
    fn check(
        &self,
        rig: &Rig,
        shard: ShardId,
        after: &[u8],
        served: &mut Served,
    ) -> Result<bool, Found> {
        let told = |error: &Error, what: &str| match is_report(error) {
            true => Ok(()),
            false => Err((Broken::Lost, format!("shard {shard}: {what}: {error}"))),
        };
        let mut next = match rig.engine.resolve(shard, ReadFrom::TrimHorizon) {
            Ok(next) => next,
            Err(error) => {
                served.reported.insert(shard);
                return told(&error, "where it begins").map(|()| false);
            }
        };
        if next != self.first {
            let broken = if next > self.first { Broken::Undetected } else { Broken::Phantom };
            return Err((
                broken,
                format!("shard {shard}: begins at {next}, not at {}", self.first),
            ));
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
                if next < self.end() {
                    return Err((Broken::Undetected, format!("shard {shard}: {next} is missing")));
                }
                break;
            }
            for record in read.records() {
                self.check_record(&record, after)
                    .map_err(|(broken, what)| (broken, format!("shard {shard}: {what}")))?;
                served.records += u64::from(record.seq < self.end());
            }
            next = read.next();
        }
        served.upto.insert(shard, next);
        Ok(true)
    }

    fn check_record(&self, read: &ReadRecord<'_>, after: &[u8]) -> Result<(), Found> {
        let index = read.seq.0.checked_sub(self.first.0).and_then(|at| usize::try_from(at).ok());
        match index.and_then(|index| self.records.get(index)) {
            Some((arrival, data)) if data == read.record.data && *arrival == read.arrival => Ok(()),
            Some(_) => Err((Broken::WrongBytes, format!("wrong at {}", read.seq))),
            None if read.seq == self.end() && read.record.data == after => Ok(()),
            None => Err((Broken::Phantom, format!("made up at {}", read.seq))),
        }
    }

    /// Asks where the records begin that arrived with the middle one or later.
    fn check_time(&self, rig: &Rig, shard: ShardId, served: &mut Served) -> Result<(), Found> {
        let Some((time, _)) = self.records.get(self.records.len() / 2) else { return Ok(()) };
        let index = self.records.partition_point(|(arrival, _)| arrival < time);
        let expected = SeqNo(self.first.0 + index as u64);
        match rig.engine.resolve(shard, ReadFrom::AtTime(*time)) {
            Ok(found) if found == expected => Ok(()),
            // A damaged shard may end before that time: a read from there on tells so.
            Ok(found) if served.reported.contains(&shard) => {
                let limit = ReadLimit { records: 1, bytes: 1000 };
                match rig.engine.read(shard, found, limit) {
                    Err(error) if is_report(&error) => Ok(()),
                    _ => Err((Broken::Undetected, format!("shard {shard}: time skips damage"))),
                }
            }
            Ok(found) => {
                let what = format!("shard {shard}: time leads to {found}, not {expected}");
                Err((Broken::WrongBytes, what))
            }
            Err(error) if is_report(&error) => {
                served.reported.insert(shard);
                Ok(())
            }
            Err(error) => Err((Broken::Lost, format!("shard {shard}: by time: {error}"))),
        }
    }
}

/// Whether an error tells that something is damaged.
#[must_use]
pub fn is_report(error: &Error) -> bool {
    error.kind() == ErrorKind::Corrupt || is_other_version(error)
}

/// Whether an error says that something is of another version: what a version number looks like
/// that has rotted, where no checksum stands before it.
fn is_other_version(error: &Error) -> bool {
    let says = |what| error.message().contains(what);
    error.kind() == ErrorKind::Invalid && (says("newer") || says("older redb"))
}

/// When the records of a shard arrived.
fn arrivals(rig: &Rig, shard: ShardId) -> Result<Vec<Timestamp>> {
    let mut next = rig.engine.resolve(shard, ReadFrom::TrimHorizon)?;
    let mut times = Vec::new();
    loop {
        let read = rig.engine.read(shard, next, ReadLimit { records: 100, bytes: 50_000 })?;
        if read.count() == 0 {
            return Ok(times);
        }
        times.extend(read.records().map(|record| record.arrival));
        next = read.next();
    }
}

fn wrong(broken: Broken, what: &str) -> Error {
    Error::new(ErrorKind::Corrupt, format!("{}: {what}", broken.name()))
}
