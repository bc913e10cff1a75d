//! The catalog: what exists on this node, in a small transactional key-value store.

mod table;
mod transaction;

pub use table::{Key, Table, Value};
pub use transaction::Transaction;

use crate::error::Result;

/// The catalog. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Catalog {}

impl Catalog {
    /// The value under `key`.
    pub fn load<K: Key, V: Value>(&self, table: &Table<K, V>, key: &K) -> Result<Option<V>> {
        let _ = (table, key);
        unimplemented!()
    }

    /// All rows of `table`, in key order.
    pub fn scan<K: Key, V: Value>(&self, table: &Table<K, V>) -> Result<Vec<(K, V)>> {
        let _ = table;
        unimplemented!()
    }

    /// Makes every change of `transaction` or none; durable when this returns. `AlreadyExists` or
    /// `NotFound` when one of its expectations does not hold.
    pub fn commit(&self, transaction: Transaction) -> Result<()> {
        let _ = transaction;
        unimplemented!()
    }
}
