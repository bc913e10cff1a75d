//! What happens to records of a queue, as bytes of its delivery log.
//!
//! A record of the log is a version, 1, and then events; numbers are little-endian. Its events
//! happen all or not at all, for a record is durable as a whole.
//!
//! | byte | event | fields |
//! |------|-------|--------|
//! | 1 | `Received` | shard 4, horizon 8, first 8, count 2, received ms 8, visible ms 8 |
//! | 2 | `Assigned` | shard 4, record 8, entry 24 |
//! | 3 | `Acknowledged` | shard 4, record 8 |
//! | 4 | `Expired` | shard 4, below 8 |
//! | 5 | `Buried` | receive count 4, at ms 8 |
//! | 6 | `Head` | count 4, then count times: shard 4, cursor 8 |
//! | 7 | `Chunk` | shard 4, from 8, end 8, count 4, then count times: offset from `from` 4, entry 24 |
//!
//! An entry is visible ms 8, first received ms 8, deliveries 4, restored 4 (bit 31: a dead letter;
//! the rest: deliveries before the last restore). The largest number is no time, and no record.
//!
//! Every event says what is, not what changes: applied twice it is as applied once.

use crate::service::queue::entry::{ENTRY_BYTES, Entry};
use crate::service::queue::page::NEVER;

/// The version of a log record.
const VERSION: u8 = 1;

/// Records that one `Received` is about, at most: the most that one call receives.
pub(super) const RECEIVED_MAX: u16 = 10;

/// Something that happened to records of a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Neighbouring records were delivered for the first time.
    Received {
        /// Their shard.
        shard: u32,
        /// The shard's trim horizon then.
        horizon: u64,
        /// The first one.
        first: u64,
        /// How many.
        count: u16,
        /// When.
        received_ms: u64,
        /// When they are visible again.
        visible_ms: u64,
    },
    /// A record is in flight, and this is all about it.
    Assigned {
        /// Its shard.
        shard: u32,
        /// The record.
        seq: u64,
        /// All about it.
        entry: Entry,
    },
    /// A record is done with.
    Acknowledged {
        /// Its shard.
        shard: u32,
        /// The record.
        seq: u64,
    },
    /// Records are past the stream's retention.
    Expired {
        /// Their shard.
        shard: u32,
        /// The first record that is not.
        below: u64,
    },
    /// Records that were visible at a moment and had been received so often are dead letters, and
    /// stay so whatever the queue's bound becomes.
    Buried {
        /// So often.
        receive_count: u32,
        /// The moment.
        at_ms: u64,
    },
    /// A snapshot begins: the first record never delivered, of each shard.
    Head {
        /// By shard, ascending.
        cursors: Vec<(u32, u64)>,
    },
    /// A part of a snapshot: these and no others are the records in flight of a range.
    Chunk {
        /// The shard.
        shard: u32,
        /// The range's first record.
        from: u64,
        /// The record behind the range.
        end: u64,
        /// Offsets in the range, ascending, each with all about the record.
        entries: Vec<(u32, Entry)>,
    },
}

/// The log record that tells of `events`.
#[must_use]
pub fn encode(events: &[Event]) -> Vec<u8> {
    let mut out = vec![VERSION];
    for event in events {
        event.encode(&mut out);
    }
    out
}

/// The events of a log record; `None` for bytes that are none.
#[must_use]
pub fn decode(bytes: &[u8]) -> Option<Vec<Event>> {
    let (version, bytes) = bytes.split_first()?;
    let mut reader = Reader { bytes: (*version == VERSION).then_some(bytes)? };
    let mut events = Vec::new();
    while !reader.bytes.is_empty() {
        events.push(Event::decode(&mut reader)?);
    }
    Some(events)
}

impl Event {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Event::Received { shard, horizon, first, count, received_ms, visible_ms } => {
                begin(out, 1, *shard);
                out.extend_from_slice(&horizon.to_le_bytes());
                out.extend_from_slice(&first.to_le_bytes());
                out.extend_from_slice(&count.to_le_bytes());
                out.extend_from_slice(&received_ms.to_le_bytes());
                out.extend_from_slice(&visible_ms.to_le_bytes());
            }
            Event::Assigned { shard, seq, entry } => {
                begin(out, 2, *shard);
                out.extend_from_slice(&seq.to_le_bytes());
                entry.encode(out);
            }
            Event::Acknowledged { shard, seq } => {
                begin(out, 3, *shard);
                out.extend_from_slice(&seq.to_le_bytes());
            }
            Event::Expired { shard, below } => {
                begin(out, 4, *shard);
                out.extend_from_slice(&below.to_le_bytes());
            }
            Event::Buried { receive_count, at_ms } => {
                begin(out, 5, *receive_count);
                out.extend_from_slice(&at_ms.to_le_bytes());
            }
            Event::Head { cursors } => {
                begin(out, 6, count(cursors.len()));
                for (shard, cursor) in cursors {
                    out.extend_from_slice(&shard.to_le_bytes());
                    out.extend_from_slice(&cursor.to_le_bytes());
                }
            }
            Event::Chunk { shard, from, end, entries } => {
                begin(out, 7, *shard);
                out.extend_from_slice(&from.to_le_bytes());
                out.extend_from_slice(&end.to_le_bytes());
                out.extend_from_slice(&count(entries.len()).to_le_bytes());
                for (offset, entry) in entries {
                    out.extend_from_slice(&offset.to_le_bytes());
                    entry.encode(out);
                }
            }
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Option<Event> {
        let [kind] = *reader.chunk::<1>()?;
        let head = reader.u32()?;
        Some(match kind {
            1 => {
                let (horizon, first) = (reader.u64()?, reader.u64()?);
                let count = u16::from_le_bytes(*reader.chunk()?);
                let (received_ms, visible_ms) = (reader.time()?, reader.time()?);
                let is_possible = (1..=RECEIVED_MAX).contains(&count)
                    && first.checked_add(u64::from(count)).is_some();
                is_possible.then_some(())?;
                Event::Received { shard: head, horizon, first, count, received_ms, visible_ms }
            }
            2 => Event::Assigned { shard: head, seq: reader.seq()?, entry: reader.entry()? },
            3 => Event::Acknowledged { shard: head, seq: reader.seq()? },
            4 => Event::Expired { shard: head, below: reader.u64()? },
            5 => Event::Buried { receive_count: head, at_ms: reader.time()? },
            6 => {
                let mut cursors = Vec::new();
                for _ in 0..head {
                    cursors.push((reader.u32()?, reader.u64()?));
                }
                let is_ascending =
                    cursors.windows(2).all(|pair: &[(u32, u64)]| pair[0].0 < pair[1].0);
                is_ascending.then_some(Event::Head { cursors })?
            }
            7 => Event::decode_chunk(head, reader)?,
            _ => return None,
        })
    }

    fn decode_chunk(shard: u32, reader: &mut Reader<'_>) -> Option<Event> {
        let (from, end, count) = (reader.u64()?, reader.u64()?, reader.u32()?);
        let mut entries: Vec<(u32, Entry)> = Vec::new();
        for _ in 0..count {
            let (offset, entry) = (reader.u32()?, reader.entry()?);
            let is_behind = entries.last().is_none_or(|(last, _)| *last < offset);
            let is_inside = from.checked_add(u64::from(offset)).is_some_and(|seq| seq < end);
            (is_behind && is_inside).then_some(())?;
            entries.push((offset, entry));
        }
        (from <= end).then_some(Event::Chunk { shard, from, end, entries })
    }
}

/// The kind of an event and its first field.
fn begin(out: &mut Vec<u8>, kind: u8, field: u32) {
    out.push(kind);
    out.extend_from_slice(&field.to_le_bytes());
}

fn count(len: usize) -> u32 {
    u32::try_from(len).expect("shards and chunks are bounded far below")
}

/// Bytes not read yet.
struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    fn chunk<const N: usize>(&mut self) -> Option<&'a [u8; N]> {
        let (chunk, rest) = self.bytes.split_first_chunk()?;
        self.bytes = rest;
        Some(chunk)
    }

    fn u32(&mut self) -> Option<u32> {
        self.chunk().map(|bytes| u32::from_le_bytes(*bytes))
    }

    fn u64(&mut self) -> Option<u64> {
        self.chunk().map(|bytes| u64::from_le_bytes(*bytes))
    }

    /// A record's number: the largest one is behind all records.
    fn seq(&mut self) -> Option<u64> {
        self.u64().filter(|seq| *seq < u64::MAX)
    }

    /// A time in milliseconds: the largest one means that there is none.
    fn time(&mut self) -> Option<u64> {
        self.u64().filter(|ms| *ms < NEVER)
    }

    fn entry(&mut self) -> Option<Entry> {
        self.chunk::<ENTRY_BYTES>().and_then(Entry::decode)
    }
}
