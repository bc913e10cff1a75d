//! Building a payload record by record: a request is decoded straight into the bytes that will be
//! on disk.

use crate::error::{Error, ErrorKind, Result};
use crate::frame::record::{self, RECORD_HEADER_BYTES, Records};
use crate::limits::{BATCH_RECORDS_MAX, KEY_BYTES_MAX, PAYLOAD_BYTES_MAX};

/// The records of one append to one shard, in order, with their checksum.
///
/// INVARIANT: `payload` is exactly `count >= 1` well-formed records and at most
/// [`PAYLOAD_BYTES_MAX`] bytes.
#[derive(Clone, Debug)]
pub struct Batch {
    payload: Vec<u8>,
    count: u32,
    checksum: u32,
}

impl Batch {
    /// A batch of one record.
    pub fn single(key: &[u8], data: &[u8]) -> Result<Batch> {
        let mut builder = BatchBuilder::with_capacity(RECORD_HEADER_BYTES + key.len() + data.len());
        builder.push(key, data)?;
        builder.finish()
    }

    /// The encoded records.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// How many records.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count
    }

    /// The payload's CRC-32.
    #[must_use]
    pub fn checksum(&self) -> u32 {
        self.checksum
    }

    /// The records.
    #[must_use]
    pub fn records(&self) -> Records<'_> {
        Records::new(&self.payload)
    }
}

/// Collects records into a [`Batch`].
#[derive(Debug, Default)]
pub struct BatchBuilder {
    payload: Vec<u8>,
    count: u32,
}

impl BatchBuilder {
    /// An empty builder with room for `bytes` of encoded records.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> BatchBuilder {
        BatchBuilder { payload: Vec::with_capacity(bytes.min(PAYLOAD_BYTES_MAX)), count: 0 }
    }

    /// How many records are in it.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Bytes of encoded records in it.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.payload.len()
    }

    /// Whether it has no record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Adds a record. `Invalid` when a limit is passed; the builder is then as before.
    pub fn push(&mut self, key: &[u8], data: &[u8]) -> Result<()> {
        let data_bytes = self.admit(key, data.len())?;
        record::begin(&mut self.payload, key, data_bytes);
        self.payload.extend_from_slice(data);
        self.count += 1;
        Ok(())
    }

    /// Adds a record of `data_bytes` bytes that `fill` writes in place, to save a copy. When `fill`
    /// fails the builder is as before.
    pub fn push_with<E: From<Error>>(
        &mut self,
        key: &[u8],
        data_bytes: usize,
        fill: impl FnOnce(&mut [u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let encoded_bytes = self.admit(key, data_bytes)?;
        let before = self.payload.len();
        record::begin(&mut self.payload, key, encoded_bytes);
        let data_at = self.payload.len();
        self.payload.resize(data_at + data_bytes, 0);
        if let Err(error) = fill(&mut self.payload[data_at..]) {
            self.payload.truncate(before);
            return Err(error);
        }
        self.count += 1;
        Ok(())
    }

    /// The finished batch. `Invalid` when it would be empty.
    pub fn finish(self) -> Result<Batch> {
        if self.count == 0 {
            return Err(Error::new(ErrorKind::Invalid, "a batch needs at least one record"));
        }
        let checksum = crc32fast::hash(&self.payload);
        Ok(Batch { payload: self.payload, count: self.count, checksum })
    }

    fn admit(&self, key: &[u8], data_bytes: usize) -> Result<u32> {
        let after = self.payload.len() + RECORD_HEADER_BYTES + key.len();
        let over = |what: &str, max: usize| {
            Err(Error::new(ErrorKind::Invalid, format!("{what} exceeds its limit max=`{max}`")))
        };
        if key.len() > KEY_BYTES_MAX {
            return over("key length in bytes", KEY_BYTES_MAX);
        }
        if after.saturating_add(data_bytes) > PAYLOAD_BYTES_MAX {
            return over("append payload in bytes", PAYLOAD_BYTES_MAX);
        }
        if self.count as usize >= BATCH_RECORDS_MAX {
            return over("records in one append", BATCH_RECORDS_MAX);
        }
        Ok(u32::try_from(data_bytes).expect("bounded by PAYLOAD_BYTES_MAX"))
    }
}
