//! Which records a receive delivers: first those that are visible again, then new ones, shard by
//! shard in turn.

use flowstone_engine::Engine;
use flowstone_engine::error::{Error, ErrorKind, Result};
use flowstone_engine::shard::{Read, ReadLimit};
use flowstone_engine::types::{SeqNo, ShardId};

use crate::service::queue::entry::{Entry, Lane};
use crate::service::queue::event::Event;
use crate::service::queue::limits::{IN_FLIGHT_MAX, RECEIVE_BYTES_MAX, RECEIVE_RECORDS_MAX};
use crate::service::queue::state::{Place, State};
use crate::service::stream::Stream;

/// What a receive asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    /// From where.
    pub lane: Lane,
    /// How many records at most.
    pub records: usize,
    /// Milliseconds that they are then not visible; none: the queue's own setting.
    pub visibility_ms: Option<u64>,
}

/// Neighbouring records of one shard that are delivered.
#[derive(Clone, Debug)]
pub struct Run {
    /// Their shard.
    pub shard: u32,
    /// The records.
    pub read: Read,
    /// What is known of each after this delivery.
    pub entries: Vec<Entry>,
}

/// What is delivered, and the events that say so.
#[derive(Clone, Debug, Default)]
pub(super) struct Selection {
    pub(super) events: Vec<Event>,
    pub(super) runs: Vec<Run>,
    bytes: usize,
    records: usize,
    fault: Option<Error>,
}

/// What a receive works with.
pub(super) struct Selector<'a> {
    pub(super) engine: &'a Engine,
    pub(super) stream: &'a Stream,
    pub(super) state: &'a State,
    pub(super) now_ms: u64,
    pub(super) visible_ms: u64,
}

impl Selector<'_> {
    /// Selects what `ask` is answered with. New records are looked for from the `turn`th shard on.
    /// Reads from disk unless [`Selector::is_resident`].
    pub(super) fn select(&self, ask: &Ask, turn: usize) -> Result<Selection> {
        let mut selection = Selection::default();
        let limit = ask.records.min(RECEIVE_RECORDS_MAX);
        self.select_visible(ask.lane, limit, &mut selection);
        if ask.lane == Lane::Normal {
            self.select_new(limit, turn, &mut selection)?;
        }
        match selection.fault.take() {
            Some(fault) if selection.runs.is_empty() => Err(fault),
            Some(fault) => {
                tracing::warn!(error = %fault, "records of a queue cannot be read");
                Ok(selection)
            }
            None => Ok(selection),
        }
    }

    /// Whether selecting reads nothing from disk.
    pub(super) fn is_resident(&self, ask: &Ask) -> bool {
        let visible = self.state.visible(ask.lane, self.now_ms, ask.records);
        let is_visible_there = visible.iter().all(|(place, _)| {
            let log = self.stream.shard(place.shard).map(|shard| shard.log());
            log.is_none_or(|log| self.engine.is_resident(log, SeqNo(place.seq)))
        });
        is_visible_there
            && (ask.lane == Lane::Dead
                || self.stream.row.shards.iter().all(|shard| {
                    let cursor = SeqNo(self.state.cursor(shard.index));
                    self.engine.is_resident(shard.log(), cursor)
                }))
    }

    /// Records in flight that are past retention, or whose shard is gone.
    pub(super) fn expired(&self) -> Result<Vec<Event>> {
        let mut events = Vec::new();
        for (shard, _) in self.state.cursors() {
            let Some(first) = self.state.first_in_flight(shard) else { continue };
            let below = match self.stream.shard(shard) {
                Some(of) => self.engine.watermarks(of.log())?.trim_horizon.0,
                // Shards go when all their records have expired.
                None if shard < self.stream.row.next_shard => u64::MAX,
                None => continue,
            };
            if first < below {
                events.push(Event::Expired { shard, below });
            }
        }
        Ok(events)
    }

    fn select_visible(&self, lane: Lane, limit: usize, selection: &mut Selection) {
        let mut visible = self.state.visible(lane, self.now_ms, limit);
        visible.sort_by_key(|(place, _)| *place);
        for run in visible.chunk_by(|(a, _), (b, _)| a.shard == b.shard && a.seq + 1 == b.seq) {
            let Some((Place { shard, mut seq }, _)) = run.first().copied() else { continue };
            let Some(of) = self.stream.shard(shard) else { continue };
            let mut entries = run.iter().map(|(_, entry)| *entry);
            while entries.len() > 0 {
                let Some(read) = selection.read(self.engine, of.log(), seq, entries.len()) else {
                    break;
                };
                let after = entries.by_ref().take(usize::try_from(read.count()).unwrap_or(0));
                let after: Vec<_> =
                    after.map(|entry| entry.received(lane, self.now_ms, self.visible_ms)).collect();
                for (entry, seq) in after.iter().zip(seq..) {
                    selection.events.push(Event::Assigned { shard, seq, entry: *entry });
                }
                seq = read.next().0;
                selection.add(shard, read, after);
            }
        }
    }

    fn select_new(&self, limit: usize, turn: usize, selection: &mut Selection) -> Result<()> {
        let shards = &self.stream.row.shards;
        let room = IN_FLIGHT_MAX.saturating_sub(self.state.in_flight());
        let limit = limit.min(selection.records.saturating_add(usize::try_from(room).unwrap_or(0)));
        let from = if shards.is_empty() { 0 } else { turn % shards.len() };
        for shard in shards[from..].iter().chain(&shards[..from]) {
            if selection.records >= limit {
                break;
            }
            let marks = self.engine.watermarks(shard.log())?;
            let horizon = marks.trim_horizon.0;
            let first = self.state.cursor(shard.index).max(horizon);
            if first >= marks.high_watermark.0 {
                continue;
            }
            let wanted = limit - selection.records;
            let Some(read) = selection.read(self.engine, shard.log(), first, wanted) else {
                continue;
            };
            selection.events.push(Event::Received {
                shard: shard.index,
                horizon,
                first,
                count: u16::try_from(read.count()).unwrap_or(u16::MAX),
                received_ms: self.now_ms,
                visible_ms: self.visible_ms,
            });
            let entry = Entry::first_received(self.now_ms, self.visible_ms);
            let entries = vec![entry; usize::try_from(read.count()).unwrap_or(0)];
            selection.add(shard.index, read, entries);
        }
        Ok(())
    }
}

impl Selection {
    /// Up to `records` records from `seq` on; none when there is no room for them, or they are not
    /// there to read.
    fn read(&mut self, engine: &Engine, log: ShardId, seq: u64, records: usize) -> Option<Read> {
        let bytes = RECEIVE_BYTES_MAX.checked_sub(self.bytes).filter(|bytes| *bytes > 0)?;
        match engine.read(log, SeqNo(seq), ReadLimit { records, bytes }) {
            // A first record alone may be larger than what was asked for.
            Ok(read) if read.bytes() > bytes && self.records > 0 => None,
            Ok(read) => (read.count() > 0).then_some(read),
            // Expired a moment ago: the next receive forgets it.
            Err(error) if matches!(error.kind(), ErrorKind::Trimmed | ErrorKind::NotFound) => None,
            Err(error) => {
                self.fault = Some(error);
                None
            }
        }
    }

    fn add(&mut self, shard: u32, read: Read, entries: Vec<Entry>) {
        self.bytes += read.bytes();
        self.records += entries.len();
        self.runs.push(Run { shard, read, entries });
    }
}
