//! What a read of a shard log asks and answers.

use crate::frame::{Frame, Record};
use crate::types::{SeqNo, Timestamp};

/// Where to start reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadFrom {
    /// At this record.
    At(SeqNo),
    /// Behind this record.
    After(SeqNo),
    /// At the first record that arrived then or later.
    AtTime(Timestamp),
    /// At the oldest record still served.
    TrimHorizon,
    /// Behind the newest record.
    Latest,
}

/// How much to read at most. The first record is returned even when it alone passes `bytes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadLimit {
    /// Records.
    pub records: usize,
    /// Bytes of key and data.
    pub bytes: usize,
}

/// `trim_horizon <= high_watermark <= flushed <= tail`; each is the sequence number of a record
/// that is just not below it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Watermarks {
    /// The first record still served.
    pub trim_horizon: SeqNo,
    /// Behind the last record that readers may see.
    pub high_watermark: SeqNo,
    /// Behind the last record that is durable on this machine.
    pub flushed: SeqNo,
    /// Behind the last record that has a sequence number.
    pub tail: SeqNo,
    /// When the last readable record arrived.
    pub newest_arrival: Option<Timestamp>,
}

/// A record, borrowed from the memory of a [`Read`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadRecord<'a> {
    /// Its place in the shard log.
    pub seq: SeqNo,
    /// When it arrived.
    pub arrival: Timestamp,
    /// Key and data.
    pub record: Record<'a>,
}

/// Consecutive records. Holds the memory that they are in: drop it when they are copied out.
#[derive(Clone, Debug)]
pub struct Read {
    /// The frames that hold the records; the first may begin before `from`, the last go on behind
    /// `next`.
    pub(crate) frames: Vec<Frame>,
    /// The first record's sequence number.
    pub(crate) from: SeqNo,
    /// Where to go on.
    pub(crate) next: SeqNo,
    /// The shard's watermarks when this was read.
    pub(crate) watermarks: Watermarks,
    /// Bytes of key and data.
    pub(crate) bytes: usize,
}

impl Read {
    /// The records, in order.
    pub fn records(&self) -> impl Iterator<Item = ReadRecord<'_>> {
        let (from, next) = (self.from, self.next);
        self.frames
            .iter()
            .flat_map(|frame| {
                let header = frame.header();
                (header.first_seq.0..).zip(frame.records()).map(move |(seq, record)| ReadRecord {
                    seq: SeqNo(seq),
                    arrival: header.arrival,
                    record,
                })
            })
            .skip_while(move |record| record.seq < from)
            .take_while(move |record| record.seq < next)
    }

    /// How many records.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.next.0 - self.from.0
    }

    /// Bytes of key and data of all records.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The sequence number to read from next.
    #[must_use]
    pub fn next(&self) -> SeqNo {
        self.next
    }

    /// The shard's watermarks at the time.
    #[must_use]
    pub fn watermarks(&self) -> &Watermarks {
        &self.watermarks
    }

    /// When the last of these records arrived.
    #[must_use]
    pub fn last_arrival(&self) -> Option<Timestamp> {
        if self.count() == 0 { None } else { self.frames.last().map(|f| f.header().arrival) }
    }
}
