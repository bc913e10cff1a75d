//! The engine's one error: a kind that tells the caller what to do, and the place it is about.

use std::fmt;
use std::sync::Arc;

use crate::types::ShardId;

/// What went wrong, sorted by what the reader of it has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The request can never succeed as it stands: change it.
    Invalid,
    /// The thing named does not exist.
    NotFound,
    /// The thing to be made exists.
    AlreadyExists,
    /// The position asked for is past retention: start at the trim horizon.
    Trimmed,
    /// No space or no room in a bounded queue: nothing was kept, try again later.
    Full,
    /// Somebody with a newer epoch owns this: stop writing.
    Fenced,
    /// A passing fault of the machine: try again.
    Unavailable,
    /// Bytes on disk are not what was written: an operator must look.
    Corrupt,
    /// A write or flush failed and nothing after it can be trusted: restart.
    Poisoned,
    /// The engine is shutting down; about a shard: it was closed for good, others took its place.
    Closed,
}

/// Where on disk or in the engine an error is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The shard concerned.
    pub shard: Option<ShardId>,
    /// The file concerned, relative to the data directory.
    pub file: Option<String>,
    /// The first byte concerned in that file.
    pub byte_offset: Option<u64>,
}

/// An operation that did not succeed. Cheap to clone: one failure is told to many waiters.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    place: Place,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// The engine's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of `kind`; `message` is lowercase, without full stop, data last.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error(Arc::new(Inner {
            kind,
            message: message.into(),
            place: Place::default(),
            source: None,
        }))
    }

    /// An input or output operation that failed: `Full` when the disk is, else `Unavailable`.
    pub fn io(operation: &str, source: std::io::Error) -> Error {
        let kind = match source.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => ErrorKind::Full,
            _ => ErrorKind::Unavailable,
        };
        Error(Arc::new(Inner {
            kind,
            message: format!("{operation} failed"),
            place: Place::default(),
            source: Some(Box::new(source)),
        }))
    }

    /// This error, said to be about `shard`.
    #[must_use]
    pub fn in_shard(self, shard: ShardId) -> Error {
        self.edit(|inner| inner.place.shard = Some(shard))
    }

    /// This error, said to be about byte `offset` of `file`.
    #[must_use]
    pub fn in_file(self, file: impl Into<String>, offset: u64) -> Error {
        self.edit(|inner| {
            inner.place.file = Some(file.into());
            inner.place.byte_offset = Some(offset);
        })
    }

    /// This error with its cause.
    #[must_use]
    pub fn because(self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        self.edit(|inner| inner.source = Some(source.into()))
    }

    /// What to do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Where it is.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.0.place
    }

    /// Whether this says that a shard log was closed for good, rather than the engine.
    #[must_use]
    pub fn is_shard_closed(&self) -> bool {
        self.0.kind == ErrorKind::Closed && self.0.place.shard.is_some()
    }

    /// What happened, without place and cause.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    fn edit(self, change: impl FnOnce(&mut Inner)) -> Error {
        let mut inner = match Arc::try_unwrap(self.0) {
            Ok(inner) => inner,
            Err(shared) => Inner {
                kind: shared.kind,
                message: shared.message.clone(),
                place: shared.place.clone(),
                source: shared.source.as_ref().map(|source| source.to_string().into()),
            },
        };
        change(&mut inner);
        Error(Arc::new(inner))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        let Place { shard, file, byte_offset } = &self.0.place;
        if let Some(shard) = shard {
            write!(f, " shard=`{shard}`")?;
        }
        if let Some(file) = file {
            write!(f, " file=`{file}`")?;
        }
        if let Some(byte_offset) = byte_offset {
            write!(f, " byte_offset=`{byte_offset}`")?;
        }
        if let Some(source) = &self.0.source {
            write!(f, ": {source}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.0.kind)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn std::error::Error + 'static))
    }
}

#[cfg(test)]
mod tests;
