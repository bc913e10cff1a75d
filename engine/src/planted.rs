//! Bugs that tests plant to show that the suite would catch them. Without the feature `testing`
//! nothing of this is compiled in.

macro_rules! bugs {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// A bug of the kind that storage engines have had.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Bug {
            $($(#[$doc])* $name,)*
        }

        impl Bug {
            /// All of them.
            pub const ALL: &[Bug] = &[$(Bug::$name,)*];
        }
    };
}

bugs! {
    /// Acknowledge when a commit is submitted, before it is durable.
    AckBeforeFlush,
    /// Acknowledge a commit when it completes although an earlier one has not.
    AckOutOfOrder,
    /// Take a failed durable write for a success.
    IgnoreWriteError,
    /// Flush again after a flush has failed, and believe the success.
    RetryFailedFlush,
    /// Cut the log at the first bad frame, whatever comes behind it.
    FirstBadFrameTruncates,
    /// Never cut: take every bad frame for corruption.
    EveryBadFrameIsCorruption,
    /// Believe a frame whatever salt and place it carries.
    SkipPlaceCheck,
    /// Do not flush the directory after a segment was renamed into it.
    SkipDirectorySync,
    /// Do not flush a segment before it is renamed.
    SkipSegmentSync,
    /// Free a journal file before the catalog knows the segment.
    FreeBeforeCatalog,
    /// Believe the page cache after a restart instead of the disk.
    TrustPageCache,
    /// Let readers see records that are not durable yet.
    PublishBeforeFlush,
    /// Forget a shard's quarantine at the next restart.
    ForgetQuarantine,
    /// Take appends into a shard that is being closed, and into one that was.
    LeaveGateOpen,
    /// Send records that a closed shard refused to its children in the wrong order.
    RerouteBackwards,
    /// Forget at the next restart that a shard was closed.
    ReopenClosed,
    /// Take the wall clock at its word when expiring.
    TrustWallClock,
    /// Believe a catalog that has fewer commits than it had once.
    TrustCatalog,
    /// Believe the catalog's pages whatever their checksums.
    TrustCatalogPages,
    /// Believe that the journal ends where nothing is left of what came behind.
    TrustJournalEnd,
    /// Believe a frame's records whatever their checksum.
    TrustPayload,
    /// Believe a frame's header whatever its checksum.
    TrustFrameHeader,
    /// Believe a journal file's header whatever its checksum and the frames say.
    TrustFileHeader,
    /// Believe a segment's blocks and the frames in them whatever their checksums.
    TrustBlocks,
    /// Believe a segment's footer whatever its checksum.
    TrustFooter,
    /// Take a short write of the ring for a whole one (the simulated ring has it).
    AckShortWrite,
    /// Do not flush the directory after a journal file was made in it.
    SkipJournalDirectorySync,
    /// Go on in a journal file that a dead process made, without flushing its name.
    TrustJournalNames,
    /// Serve what the journal of a dead process holds without flushing it.
    ServeUnflushed,
    /// Answer a commit to the catalog without flushing its file.
    SkipCatalogSync,
    /// Go on in a catalog that a dead process left without flushing its length.
    TrustCatalogLength,
    /// Commit a caller's changes after the engine's instead of together with them.
    PartTransaction,
    /// Do not write down how long a shard keeps records.
    ForgetRetention,
    /// Do not write down where a shard was trimmed.
    ForgetTrim,
    /// Do not write down where a log ends whose records have all expired.
    ForgetEnds,
    /// Forget at the next restart that files of dropped segments are to be removed.
    ForgetDropped,
    /// Remove the files of merged segments before the catalog knows what takes their place.
    RemoveBeforeCatalog,
    /// Give out ids of segments again after a restart.
    ReuseSegmentIds,
    /// Judge by the first shard of a merge what of all others is kept.
    KeepByFirstShard,
    /// Look blocks up in the cache without saying of which segment.
    MixUpBlocks,
    /// Mark the journal as resting, and durable up to its end, while commits are in flight.
    MarkIdleEarly,
    /// Keep a quarantine in memory alone.
    SkipQuarantineRow,
}

#[cfg(feature = "testing")]
impl std::str::FromStr for Bug {
    type Err = String;

    /// Reads a bug as [`Debug`](std::fmt::Debug) writes it.
    fn from_str(text: &str) -> Result<Bug, String> {
        let known = |bug: &&Bug| format!("{bug:?}") == text;
        Bug::ALL
            .iter()
            .find(known)
            .copied()
            .ok_or_else(|| format!("there is no such bug bug=`{text}`: {:?}", Bug::ALL))
    }
}

#[cfg(feature = "testing")]
thread_local! {
    static PLANTED: std::cell::Cell<Option<Bug>> = const { std::cell::Cell::new(None) };
}

/// Plants `bug` for what this thread does from now on; `None` removes it.
#[cfg(feature = "testing")]
pub fn plant(bug: Option<Bug>) {
    PLANTED.set(bug);
}

#[cfg(feature = "testing")]
static PLANTED_EVERYWHERE: std::sync::OnceLock<Bug> = std::sync::OnceLock::new();

/// Plants `bug` for all threads of this process, for good. False when there is one already.
#[cfg(feature = "testing")]
pub fn plant_everywhere(bug: Bug) -> bool {
    PLANTED_EVERYWHERE.set(bug).is_ok()
}

/// Whether `bug` is planted.
#[cfg(feature = "testing")]
#[must_use]
pub fn is_planted(bug: Bug) -> bool {
    PLANTED.get() == Some(bug) || PLANTED_EVERYWHERE.get() == Some(&bug)
}

/// Whether `bug` is planted: never, in a binary that is not for tests.
#[cfg(not(feature = "testing"))]
#[must_use]
pub const fn is_planted(_: Bug) -> bool {
    false
}
