//! Opening a data directory: what the catalog says, what the journal says, and what does not fit.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use crate::catalog::{CATALOG_FILE, Catalog, Transaction};
use crate::engine::rows::{
    DROPPED, ENDS, EVIDENCE, JOURNAL_END, NUMBERS, QUARANTINES, QuarantineRow, SEALED_UPTO,
    SEGMENTS, SHARDS, SegmentRow,
};
use crate::engine::sealer::run_of;
use crate::engine::shared::Known;
use crate::error::{Error, ErrorKind, Result};
use crate::io::Disk;
use crate::journal::recover::{Recovered, file_in};
use crate::journal::slots::{move_aside, slot_of};
use crate::journal::verdict::Damage;
use crate::journal::{ASIDE_DIR, JOURNAL_DIR};
use crate::planted::{Bug, is_planted};
use crate::segment::{SEGMENTS_DIR, Segment, segment_of};
use crate::shard::{Quarantine, ShardLog, Watermarks};
use crate::types::{Epoch, FileSeq, JournalPosition, SegmentId, SeqNo, ShardId, Timestamp};

/// Makes the folders of a data directory.
pub(super) fn make_folders(disk: &Arc<dyn Disk>) -> Result<()> {
    for dir in [JOURNAL_DIR, SEGMENTS_DIR, ASIDE_DIR] {
        disk.create_dir(Path::new(dir)).map_err(|e| Error::io("making a folder", e))?;
    }
    disk.sync_dir(Path::new("")).map_err(|e| Error::io("flushing the data directory", e))
}

/// Journal and segments without a catalog are not a new data directory: starting one would call
/// all of them strays.
pub(super) fn check_catalog_is_there(disk: &Arc<dyn Disk>) -> Result<()> {
    let list = |dir: &str| {
        disk.list(Path::new(dir)).map_err(|e| Error::io("listing the data directory", e))
    };
    if list("")?.iter().any(|entry| entry.name == CATALOG_FILE) {
        return Ok(());
    }
    if list(JOURNAL_DIR)?.is_empty() && list(SEGMENTS_DIR)?.is_empty() {
        return Ok(());
    }
    let message = "the catalog is missing although there are journal files or segments: \
                   put it back, or move these files away to start afresh";
    Err(Error::new(ErrorKind::Corrupt, message).in_file(CATALOG_FILE, 0))
}

/// A number in the catalog.
pub(super) fn number(catalog: &Catalog, name: &str) -> Result<Option<u64>> {
    Ok(catalog.load(&NUMBERS, &name.to_owned())?.map(|row| row.value))
}

/// Ids from here on are never given out: what claims one is damaged, and counting on from it would
/// come round to ids in use.
const IDS_END: u64 = 1 << 63;

/// The next id that the catalog says is free.
pub(super) fn next_id(catalog: &Catalog, name: &str) -> Result<u64> {
    check_id(name, number(catalog, name)?.unwrap_or(0))
}

fn check_id(what: &str, id: u64) -> Result<u64> {
    if id < IDS_END {
        return Ok(id);
    }
    let message = format!("catalog: id that was never given out what=`{what}` id=`{id}`");
    Err(Error::new(ErrorKind::Corrupt, message))
}

/// The newest journal file whose frames are all in segments.
pub(super) fn sealed_upto(catalog: &Catalog) -> Result<FileSeq> {
    let value = number(catalog, SEALED_UPTO)?.unwrap_or(0);
    u32::try_from(value).map(FileSeq).map_err(|_| {
        Error::new(ErrorKind::Corrupt, format!("catalog: journal file number value=`{value}`"))
    })
}

/// Where the journal's records ended when it was last noted: all below was durable.
pub(super) fn journal_end(catalog: &Catalog) -> Result<JournalPosition> {
    Ok(JournalPosition::from_raw(number(catalog, JOURNAL_END)?.unwrap_or(0)))
}

/// Moves damaged journal files aside that were sealed when the last engine ended, and not moved yet.
pub(super) fn set_evidence_aside(disk: &Arc<dyn Disk>, catalog: &Catalog) -> Result<()> {
    let rows = catalog.scan(&EVIDENCE)?;
    if rows.is_empty() {
        return Ok(());
    }
    let fault = |error| Error::io("moving a damaged journal file aside", error);
    for entry in disk.list(Path::new(JOURNAL_DIR)).map_err(fault)? {
        let Some(slot) = slot_of(&entry.name) else { continue };
        if let Some(file) = file_in(disk, slot)?
            && rows.iter().any(|(row, _)| *row == u64::from(file.0))
        {
            move_aside(&**disk, slot, file)?;
        }
    }
    let mut transaction = Transaction::new();
    for (row, _) in &rows {
        transaction.remove(&EVIDENCE, row);
    }
    match catalog.commit(transaction) {
        Err(error) if error.kind() == ErrorKind::Full => Ok(()),
        committed => committed,
    }
}

/// Shard logs and segments, as far as they could be restored.
pub(super) struct Restored {
    pub(super) shards: HashMap<ShardId, Arc<ShardLog>>,
    /// Records below stay expired.
    pub(super) horizons: Vec<(ShardId, SeqNo)>,
    /// Where logs end that were closed for good.
    pub(super) closed: BTreeMap<ShardId, SeqNo>,
    pub(super) segments: BTreeMap<SegmentId, Known>,
    /// Above every id in use.
    pub(super) next_segment: u64,
    pub(super) dropped: Vec<SegmentId>,
}

/// Restores what is sealed.
pub(super) fn restore_sealed(
    disk: &Arc<dyn Disk>,
    catalog: &Catalog,
    next_segment: u64,
) -> Result<Restored> {
    let mut shards = HashMap::new();
    let mut horizons = Vec::new();
    let mut closed = BTreeMap::new();
    for (id, row) in catalog.scan(&SHARDS)? {
        horizons.push((ShardId(id), SeqNo(row.trim_horizon)));
        let log = ShardLog::new(ShardId(id), Epoch(row.epoch), row.retention_ms);
        if let Some(end) = row.closed_end
            && !is_planted(Bug::ReopenClosed)
        {
            log.finish_closing();
            closed.insert(ShardId(id), SeqNo(end));
        }
        shards.insert(ShardId(id), Arc::new(log));
    }
    let dropped: Vec<_> =
        catalog.scan(&DROPPED)?.into_iter().map(|(id, _)| SegmentId(id)).collect();
    let rows = catalog.scan(&SEGMENTS)?;
    let mut next_segment = set_strays_aside(disk, &rows, &dropped)?.max(next_segment);
    if is_planted(Bug::ReuseSegmentIds) {
        next_segment = rows.len() as u64;
    }

    let mut segments = BTreeMap::new();
    let mut pieces: Vec<(ShardId, SeqNo, SegmentId, SegmentRow)> = Vec::new();
    for (id, row) in rows {
        let id = SegmentId(id);
        for run in &row.runs {
            let slim = SegmentRow { runs: vec![*run], ..row };
            pieces.push((ShardId(run.shard), SeqNo(run.first_seq), id, slim));
        }
        match Segment::open(&**disk, id) {
            Ok(segment) => {
                segments.insert(id, Known { segment: Arc::new(segment), row: Arc::new(row) });
            }
            Err(error) => tracing::error!(
                segment = %id, %error,
                "a segment cannot be read: its records are refused, everything else is served"
            ),
        }
    }
    for (id, row) in catalog.scan(&ENDS)? {
        if let Some(log) = shards.get(&ShardId(id)) {
            log.restore_expired(SeqNo(row.end_seq), Timestamp(row.newest_arrival_ms));
        }
    }
    pieces.sort_by_key(|(shard, first, ..)| (*shard, *first));
    for (shard, first, id, row) in pieces {
        let Some(log) = shards.get(&shard) else { continue };
        let run = segments.get(&id).and_then(|known| run_of(id, known, shard));
        let piece = row.runs[0];
        log.restore_sealed(first, SeqNo(piece.end_seq), Timestamp(piece.last_arrival_ms), run);
    }
    for (id, row) in catalog.scan(&QUARANTINES)? {
        if let Some(log) = shards.get(&ShardId(id))
            && !is_planted(Bug::ForgetQuarantine)
        {
            log.set_quarantine(Quarantine { from: SeqNo(row.from_seq), reason: row.reason });
        }
    }
    Ok(Restored { shards, horizons, closed, segments, next_segment, dropped })
}

/// Removes half-written segments, moves those aside that the catalog does not know, and answers an
/// id above all that were found.
fn set_strays_aside(
    disk: &Arc<dyn Disk>,
    rows: &[(u64, SegmentRow)],
    dropped: &[SegmentId],
) -> Result<u64> {
    let fault = |error| Error::io("clearing the segments' folder", error);
    let known: BTreeSet<_> = rows.iter().map(|(id, _)| SegmentId(*id)).collect();
    let mut next = match known.last() {
        Some(id) => check_id("segment", id.0)? + 1,
        None => 0,
    };
    let mut has_moved = false;
    for entry in disk.list(Path::new(SEGMENTS_DIR)).map_err(fault)? {
        let path = Path::new(SEGMENTS_DIR).join(&entry.name);
        match segment_of(&entry.name) {
            Some(id) => {
                if id.0 < IDS_END {
                    next = next.max(id.0 + 1);
                }
                if known.contains(&id) || dropped.contains(&id) {
                    continue;
                }
            }
            None if entry.name.ends_with(".tmp") => {
                disk.remove(&path).map_err(fault)?;
                continue;
            }
            None => {}
        }
        tracing::warn!(file = entry.name, "the catalog does not know this file: moved aside");
        disk.rename(&path, &Path::new(ASIDE_DIR).join(&entry.name)).map_err(fault)?;
        has_moved = true;
    }
    if has_moved {
        disk.sync_dir(Path::new(ASIDE_DIR)).map_err(fault)?;
        disk.sync_dir(Path::new(SEGMENTS_DIR)).map_err(fault)?;
    }
    Ok(next)
}

/// Adds the journal's frames to the logs, quarantines what has lost records, and makes that known
/// to the catalog. Shard ids from `next_shard` on were never given out.
pub(super) fn restore_tails(
    restored: &Restored,
    recovered: &mut Recovered,
    next_shard: u64,
    catalog: &Catalog,
) -> Result<()> {
    let Restored { shards, closed, .. } = restored;
    let mut newest: HashMap<ShardId, JournalPosition> = HashMap::new();
    for frame in std::mem::take(&mut recovered.verdict.frames) {
        let header = *frame.header();
        let Some(log) = shards.get(&header.shard) else {
            if header.shard.0 >= next_shard {
                keep_as_evidence(recovered, header.position.file());
                tracing::error!(
                    shard = %header.shard, position = %header.position,
                    "the journal holds records of a shard that the catalog never knew"
                );
            }
            continue;
        };
        newest.insert(header.shard, header.position);
        if closed.get(&header.shard).is_some_and(|end| header.end_seq() > *end) {
            keep_as_evidence(recovered, header.position.file());
            tracing::error!(
                shard = %header.shard, position = %header.position,
                "the journal holds records behind the end of a closed shard"
            );
            continue;
        }
        let Watermarks { flushed: expected, newest_arrival, .. } = log.watermarks();
        if header.end_seq() <= expected {
            continue;
        }
        if header.first_seq != expected {
            keep_as_evidence(recovered, header.position.file());
            quarantine(log, "records before the next ones in the journal are missing");
        }
        // The engine gives a log's records no earlier time than the one before: damage that no
        // checksum shows, and records that would expire between others.
        if newest_arrival.is_some_and(|newest| header.arrival < newest) {
            keep_as_evidence(recovered, header.position.file());
            quarantine(log, "a frame in the journal claims an earlier time than the one before it");
        }
        // A quarantine that an earlier start found leaves what is below it to be served and sealed.
        if log.quarantine().is_none_or(|quarantine| header.first_seq < quarantine.from) {
            log.publish(frame);
        }
    }
    let is_whole = |log: &ShardLog| closed.get(&log.id()) == Some(&log.watermarks().flushed);
    for damage in recovered.verdict.damages.clone() {
        attribute(restored, &newest, &damage, is_whole);
    }
    for (log, end) in closed.iter().filter_map(|(id, end)| Some((shards.get(id)?, end))) {
        if log.watermarks().flushed < *end {
            quarantine(log, "the newest records before it was closed are missing");
        }
    }
    let mut transaction = Transaction::new();
    for log in shards.values() {
        log.finish_recovery();
        if let Some(Quarantine { from, reason }) = log.quarantine() {
            let row = QuarantineRow { from_seq: from.0, reason };
            // What is known already needs no room on a full disk.
            if catalog.load(&QUARANTINES, &log.id().0)?.as_ref() != Some(&row)
                && !is_planted(Bug::SkipQuarantineRow)
            {
                transaction.put(&QUARANTINES, &log.id().0, &row);
            }
        }
    }
    if transaction.is_empty() { Ok(()) } else { catalog.commit(transaction) }
}

fn keep_as_evidence(recovered: &mut Recovered, file: FileSeq) {
    for waiting in recovered.waiting.iter_mut().filter(|waiting| waiting.file == file) {
        waiting.is_damaged = true;
    }
}

/// Quarantines the shards that a damage took records from, or may have.
/// `is_whole` says of a closed shard that all of it is there.
fn attribute(
    restored: &Restored,
    newest: &HashMap<ShardId, JournalPosition>,
    damage: &Damage,
    is_whole: impl Fn(&ShardLog) -> bool,
) {
    let shards = &restored.shards;
    let start = JournalPosition::new(damage.file, damage.start);
    tracing::error!(
        position = %start, bytes = damage.end - damage.start, shard = ?damage.shard,
        "the journal is damaged where it was durable"
    );
    match damage.shard {
        Some(shard) => {
            if let Some(log) = shards.get(&shard).filter(|log| !is_whole(log)) {
                quarantine(log, "a frame in the journal is damaged");
            }
        }
        // Whose records these were cannot be known. A shard with good frames behind that follow on
        // what was before has lost nothing; every other one may have.
        None => {
            for (id, log) in shards {
                if !is_whole(log) && newest.get(id).is_none_or(|position| *position < start) {
                    quarantine(
                        log,
                        "a damaged part of the journal may have held its newest records",
                    );
                }
            }
        }
    }
}

fn quarantine(log: &ShardLog, reason: &str) {
    let from = log.watermarks().flushed;
    log.set_quarantine(Quarantine { from, reason: reason.to_owned() });
}
