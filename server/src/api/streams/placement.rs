//! Where a record goes in the hash space, and whether it is small enough to go there.

use crate::service::{Distribution, Stream, hash_of, parse_hash_key};
use crate::wire::Exception;

/// What a request says of where a record goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target<'a> {
    /// The partition key.
    pub(super) key: Option<&'a str>,
    /// The hash key that overrides it.
    pub(super) explicit: Option<&'a str>,
    /// The record's place in a `PutRecords`, from 0.
    pub(super) index: Option<usize>,
}

impl<'a> Target<'a> {
    /// The key to keep with the record: empty when there is none, which no request can say.
    pub(super) fn kept_key(&self) -> &'a str {
        self.key.unwrap_or_default()
    }

    /// The hash key that the record goes by in `stream`, which is serving. A stream that spreads
    /// records by itself takes neither key into account.
    pub(super) fn hash(&self, stream: &Stream) -> Result<u128, Exception> {
        if stream.row.distribution == Distribution::Auto {
            return Ok(stream.hash_in_turn().expect("the stream is serving"));
        }
        let Some(key) = self.key else {
            return Err(Exception::validation(format!(
                "1 validation error detected: Value null at '{}' failed to satisfy constraint: \
                 Member must not be null",
                self.path("partitionKey")
            )));
        };
        match self.explicit {
            None => Ok(hash_of(key)),
            Some(text) => parse_hash_key(text).ok_or_else(|| {
                Exception::invalid_argument(format!(
                    "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. \
                     Specified value was {text}"
                ))
            }),
        }
    }

    /// Holds a record with this much data against what `stream` allows: its partition key counts
    /// as well.
    pub(super) fn check_size(&self, stream: &Stream, data_bytes: usize) -> Result<(), Exception> {
        let max = stream.record_bytes_max();
        if data_bytes > max {
            return Err(Exception::validation(format!(
                "1 validation error detected: Value 'java.nio.HeapByteBuffer[pos=0 \
                 lim={data_bytes} cap={data_bytes}]' at '{}' failed to satisfy constraint: Member \
                 must have length less than or equal to {max}",
                self.path("data")
            )));
        }
        let bytes = data_bytes + self.kept_key().len();
        if bytes <= max {
            return Ok(());
        }
        Err(Exception::invalid_argument(format!(
            "The data and the partition key of a record have {bytes} bytes, more than the stream's \
             maximum record size of {max} bytes."
        )))
    }

    fn path(&self, member: &str) -> String {
        match self.index {
            None => member.to_owned(),
            Some(index) => format!("records.{}.member.{member}", index + 1),
        }
    }
}
