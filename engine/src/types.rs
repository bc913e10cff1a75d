//! The engine's small vocabulary: identities, positions and times, each a type of its own.

use std::fmt;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number!(
    /// A shard log's identity on this node. Allocated by the catalog, never reused.
    ShardId(u64)
);
number!(
    /// A record's place in its shard log: 0 for the first record ever, then without gaps.
    SeqNo(u64)
);
number!(
    /// A leadership term. Every frame carries the one it was written under.
    Epoch(u32)
);
number!(
    /// Milliseconds since 1970-01-01T00:00:00Z.
    Timestamp(u64)
);
number!(
    /// The random number that one incarnation of a journal file stamps on its frames, so that
    /// what an earlier incarnation left behind never passes for fresh.
    Salt(u64)
);
number!(
    /// The place of a journal file in the journal's sequence. Grows by one per incarnation.
    FileSeq(u32)
);
number!(
    /// A segment's identity on this node. Allocated by the catalog, never reused.
    SegmentId(u64)
);

impl ShardId {
    /// The shard of frames that belong to the journal itself (markers). No shard log has it.
    pub const JOURNAL: ShardId = ShardId(u64::MAX);
}

impl SeqNo {
    /// The sequence number `count` records further on.
    #[must_use]
    pub fn plus(self, count: u64) -> SeqNo {
        SeqNo(self.0.saturating_add(count))
    }
}

impl Timestamp {
    /// This time less `ms`, not before the epoch.
    #[must_use]
    pub fn minus_ms(self, ms: u64) -> Timestamp {
        Timestamp(self.0.saturating_sub(ms))
    }
}

/// A byte's place in the journal: the file's sequence number in the high half, the offset in
/// that file in the low half, so that positions compare in the order in which they are written.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JournalPosition(u64);

impl JournalPosition {
    /// The position of byte `offset` of file `file`.
    #[must_use]
    pub fn new(file: FileSeq, offset: u32) -> JournalPosition {
        JournalPosition(u64::from(file.0) << 32 | u64::from(offset))
    }

    /// The position that `raw` encodes.
    #[must_use]
    pub fn from_raw(raw: u64) -> JournalPosition {
        JournalPosition(raw)
    }

    /// The encoding, as frames carry it.
    #[must_use]
    pub fn raw(self) -> u64 {
        self.0
    }

    /// The file that holds this byte.
    #[must_use]
    pub fn file(self) -> FileSeq {
        FileSeq((self.0 >> 32) as u32)
    }

    /// The byte's offset in its file.
    #[must_use]
    pub fn offset(self) -> u32 {
        #[expect(clippy::cast_possible_truncation, reason = "the low half is what is asked for")]
        let low = self.0 as u32;
        low
    }
}

impl fmt::Debug for JournalPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file(), self.offset())
    }
}

impl fmt::Display for JournalPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file(), self.offset())
    }
}
