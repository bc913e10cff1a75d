//! Bugs that tests plant to show that the suite would catch them. Without the feature `testing`
//! nothing of this is compiled in.

/// A bug of the kind that queues have had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// Answer before what the answer says is durable.
    AnswerBeforeDurable,
    /// Go on with the state in memory although an append has failed, and take records that no log
    /// record tells of for acknowledged.
    IgnoreFailedAppend,
    /// Trim the log to a snapshot that is not finished.
    TrimToUnfinishedSnapshot,
    /// Answer that a record was acknowledged before by whether memory says so.
    TrustMemoryOfAcknowledged,
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

/// Whether `bug` is planted.
#[cfg(feature = "testing")]
pub(crate) fn is_planted(bug: Bug) -> bool {
    PLANTED.get() == Some(bug)
}

/// Whether `bug` is planted: never, in a binary that is not for tests.
#[cfg(not(feature = "testing"))]
pub(crate) const fn is_planted(_: Bug) -> bool {
    false
}
