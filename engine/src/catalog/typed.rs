//! Typed rows over rows of bytes.

use std::ops::Bound;
use std::sync::Arc;

use crate::catalog::redb_store::RedbStore;
use crate::catalog::store::Store;
use crate::catalog::table::{Key, Table, Value};
use crate::catalog::transaction::{Step, Transaction};
use crate::error::{Error, ErrorKind, Result};
use crate::io::Disk;
use crate::limits::{CATALOG_SCAN_ROWS_MAX, CATALOG_VALUE_BYTES_MAX};

/// The catalog. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Catalog {
    pub(super) store: Arc<dyn Store>,
}

impl Catalog {
    /// Opens the catalog of a data directory, or makes it at the first start. The caller holds the
    /// directory's lock. `Corrupt` when the file is damaged, `Invalid` when a newer binary made it.
    pub fn open(disk: Arc<dyn Disk>) -> Result<Catalog> {
        Ok(Catalog { store: Arc::new(RedbStore::open(disk)?) })
    }

    /// The value under `key`.
    pub fn load<K: Key, V: Value>(&self, table: &Table<K, V>, key: &K) -> Result<Option<V>> {
        match self.store.read(table.name(), &key.encode())? {
            Some(bytes) => decode_value(table.name(), &bytes).map(Some),
            None => Ok(None),
        }
    }

    /// All rows of `table`, in key order, of one moment. `Full` when they are more than
    /// [`CATALOG_SCAN_ROWS_MAX`]: such a table is read with [`Catalog::scan_from`].
    pub fn scan<K: Key, V: Value>(&self, table: &Table<K, V>) -> Result<Vec<(K, V)>> {
        let rows = self.scan_from(table, Bound::Unbounded, CATALOG_SCAN_ROWS_MAX + 1)?;
        if rows.len() > CATALOG_SCAN_ROWS_MAX {
            let message = format!(
                "catalog table has too many rows for one scan table=`{}` max=`{CATALOG_SCAN_ROWS_MAX}`",
                table.name()
            );
            return Err(Error::new(ErrorKind::Full, message));
        }
        Ok(rows)
    }

    /// Up to `limit` rows of `table` from `start` on, in key order, of one moment.
    pub fn scan_from<K: Key, V: Value>(
        &self,
        table: &Table<K, V>,
        start: Bound<&K>,
        limit: usize,
    ) -> Result<Vec<(K, V)>> {
        let start = start.map(Key::encode);
        let rows = self.store.scan(table.name(), start.as_ref().map(Vec::as_slice), limit)?;
        rows.iter()
            .map(|(key, value)| {
                let key = K::decode(key).ok_or_else(|| {
                    let message = format!("catalog key cannot be read table=`{}`", table.name());
                    Error::new(ErrorKind::Corrupt, message)
                })?;
                Ok((key, decode_value(table.name(), value)?))
            })
            .collect()
    }

    /// All rows of `table` as the bytes that they are stored as: what a fuzzer begins with.
    #[cfg(feature = "testing")]
    #[doc(hidden)]
    pub fn scan_bytes(&self, table: &str) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        self.store.scan(table, Bound::Unbounded, CATALOG_SCAN_ROWS_MAX)
    }

    /// Makes every change of `transaction` or none; durable when this returns. `AlreadyExists` or
    /// `NotFound` when one of its expectations does not hold. Without a change it still says
    /// whether what was read can be relied on: after a failed commit it may not be durable.
    pub fn commit(&self, transaction: Transaction) -> Result<()> {
        for step in &transaction.steps {
            if let Step::Put { table, value, .. } = step
                && value.len() > CATALOG_VALUE_BYTES_MAX
            {
                let message = format!(
                    "catalog value exceeds its limit table=`{table}` max=`{CATALOG_VALUE_BYTES_MAX}`"
                );
                return Err(Error::new(ErrorKind::Invalid, message));
            }
        }
        if transaction.steps.is_empty() {
            return self.store.check_durable();
        }
        self.store.apply(&transaction.steps)
    }

    /// Keeps room for later emergencies: call it now and then, and when space has returned.
    pub fn maintain(&self) -> Result<()> {
        self.store.maintain()
    }
}

/// A stored value is its version, little-endian, and the value's own bytes.
fn decode_value<V: Value>(table: &str, bytes: &[u8]) -> Result<V> {
    let Some((version, bytes)) = bytes.split_first_chunk::<2>() else {
        let message = format!("catalog value has no version table=`{table}`");
        return Err(Error::new(ErrorKind::Corrupt, message));
    };
    V::decode(u16::from_le_bytes(*version), bytes)
}
