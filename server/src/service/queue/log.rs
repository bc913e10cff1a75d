//! A queue's delivery log: one internal shard log of the engine that its events are appended to.
//!
//! 1. events are queued with the engine, behind a part of the snapshot if one is due;
//! 2. they happen in memory;
//! 3. the caller is answered when they are durable.
//!
//! **Invariant** memory and log see the same events in the same order: the queue is locked from 1
//! to 2.
//! CRASH: after 1 or 2 the events may be in the log or not; nobody was told that they happened.

use std::sync::Arc;

use flowstone_engine::Engine;
use flowstone_engine::catalog::Transaction;
use flowstone_engine::error::{Error, ErrorKind, Result};
use flowstone_engine::frame::BatchBuilder;
use flowstone_engine::shard::ReadLimit;
use flowstone_engine::types::{SeqNo, ShardId};

use crate::planted::{Bug, is_planted};
use crate::service::queue::event::{Event, decode, encode};
use crate::service::queue::settling::{Settling, Ticket};
use crate::service::queue::snapshot::{Pace, Part, Rolling};
use crate::service::queue::state::State;

/// Milliseconds that a delivery log keeps its records: it is trimmed, it does not expire.
pub(super) const LOG_RETENTION_MS: u64 = u64::MAX;

/// How much of a log is read at once.
const READ: ReadLimit = ReadLimit { records: 4096, bytes: 4 * 1024 * 1024 };

/// The delivery log of a queue.
#[derive(Debug)]
pub(super) struct DeliveryLog {
    pub(super) shard: ShardId,
    settling: Arc<Settling>,
    rolling: Rolling,
    /// The append that holds the head of the snapshot under way.
    head: Option<u64>,
    /// The appends that hold head and end of a snapshot that the log may be trimmed to.
    finished: Option<(u64, u64)>,
    /// How many records and bytes were read when it was opened.
    pub(super) replayed: (u64, u64),
}

impl DeliveryLog {
    /// Reads the log and makes `state`, as it was when the queue was made, what it is now. Blocks.
    pub(super) fn open(
        engine: &Engine,
        shard: ShardId,
        settling: &Arc<Settling>,
        pace: Pace,
        state: &mut State,
    ) -> Result<DeliveryLog> {
        let mut next = engine.watermarks(shard)?.trim_horizon;
        let (mut records, mut bytes) = (0, 0);
        loop {
            let read = engine.read(shard, next, READ)?;
            if read.count() == 0 {
                break;
            }
            for record in read.records() {
                let is_first = records == 0 && record.seq > SeqNo(0);
                replay(state, record.record.data, is_first)
                    .ok_or_else(|| damaged(record.seq).in_shard(shard))?;
                records += 1;
            }
            bytes += read.bytes() as u64;
            next = read.next();
        }
        Ok(DeliveryLog {
            shard,
            settling: Arc::clone(settling),
            rolling: Rolling::new(pace, bytes),
            head: None,
            finished: None,
            replayed: (records, bytes),
        })
    }

    /// Queues `events` and makes them happen. When this fails, or is dropped, they have not
    /// happened.
    pub(super) async fn append(
        &mut self,
        engine: &Engine,
        state: &mut State,
        events: &[Event],
    ) -> Result<Ticket> {
        let mut rolling = self.rolling.clone();
        let part = rolling.step(state);
        let mut batch = BatchBuilder::default();
        if let Some(part) = &part {
            batch.push(b"", &encode(std::slice::from_ref(part.event())))?;
        }
        let record = encode(events);
        batch.push(b"", &record)?;
        rolling.wrote(batch.bytes());
        let answer = engine.enqueue(self.shard, batch.finish()?).await?;
        // ORDER: from here on nothing waits: what is queued also happens.
        self.rolling = rolling;
        let is_head = matches!(part, Some(Part::Head(_)));
        let ticket = self.settling.queued(answer, is_head);
        match part {
            Some(Part::Head(_)) => {
                self.head = Some(ticket.number());
                if is_planted(Bug::TrimToUnfinishedSnapshot) {
                    self.finished = Some((ticket.number(), ticket.number()));
                }
            }
            Some(Part::Last(_)) => {
                self.finished = self.head.take().map(|head| (head, ticket.number()));
            }
            Some(Part::Chunk(_)) | None => {}
        }
        for event in events {
            if state.apply(event).is_err() {
                self.settling.fail();
                let message = "an event of a queue cannot have happened";
                return Err(Error::new(ErrorKind::Corrupt, message).in_shard(self.shard));
            }
        }
        Ok(ticket)
    }

    /// Where the log may be trimmed to now: everything before is in a snapshot that is durable.
    pub(super) fn trim_point(&mut self) -> Option<SeqNo> {
        let (head, last) = self.finished?;
        let start = self.settling.snapshot_start(head, last)?;
        self.finished = None;
        Some(start)
    }
}

/// Forgets what is before `before` in a delivery log. Blocks on a flush.
pub(super) fn trim(engine: &Engine, shard: ShardId, before: SeqNo) -> Result<()> {
    engine.trim(shard, before, Transaction::new()).map(|_| ())
}

/// Makes the events of a log record happen; `None` when they cannot have.
fn replay(state: &mut State, record: &[u8], is_first_of_trimmed: bool) -> Option<()> {
    let events = decode(record)?;
    if is_first_of_trimmed {
        // A log is trimmed to the head of a snapshot.
        let Some(Event::Head { cursors }) = events.first() else { return None };
        state.begin(cursors);
    }
    events.iter().try_for_each(|event| state.apply(event)).ok()
}

fn damaged(seq: SeqNo) -> Error {
    let message = format!("a queue's delivery log cannot be read record=`{seq}`");
    Error::new(ErrorKind::Corrupt, message)
}
