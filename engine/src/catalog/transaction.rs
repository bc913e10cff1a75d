//! A set of changes to the catalog that happen together or not at all.

use crate::catalog::table::{Key, Table, Value};

/// One change or expectation.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// The row must not exist.
    ExpectAbsent { table: &'static str, key: Vec<u8> },
    /// The row must exist.
    ExpectPresent { table: &'static str, key: Vec<u8> },
    /// Write the row; `value` begins with its version.
    Put { table: &'static str, key: Vec<u8>, value: Vec<u8> },
    /// Remove the row, if it is there.
    Remove { table: &'static str, key: Vec<u8> },
}

/// Changes to commit together. Expectations are checked before any change is made.
#[derive(Clone, Debug, Default)]
pub struct Transaction {
    pub(super) steps: Vec<Step>,
}

impl Transaction {
    /// No changes yet.
    #[must_use]
    pub fn new() -> Transaction {
        Transaction::default()
    }

    /// Fails the transaction with `AlreadyExists` when `key` is there.
    pub fn expect_absent<K: Key, V: Value>(&mut self, table: &Table<K, V>, key: &K) {
        self.steps.push(Step::ExpectAbsent { table: table.name(), key: key.encode() });
    }

    /// Fails the transaction with `NotFound` when `key` is not there.
    pub fn expect_present<K: Key, V: Value>(&mut self, table: &Table<K, V>, key: &K) {
        self.steps.push(Step::ExpectPresent { table: table.name(), key: key.encode() });
    }

    /// Writes a row.
    pub fn put<K: Key, V: Value>(&mut self, table: &Table<K, V>, key: &K, value: &V) {
        let mut bytes = V::VERSION.to_le_bytes().to_vec();
        bytes.extend_from_slice(&value.encode());
        self.steps.push(Step::Put { table: table.name(), key: key.encode(), value: bytes });
    }

    /// Removes a row.
    pub fn remove<K: Key, V: Value>(&mut self, table: &Table<K, V>, key: &K) {
        self.steps.push(Step::Remove { table: table.name(), key: key.encode() });
    }

    /// Writes a row of any bytes: what a fuzzer wants to see refused.
    #[cfg(feature = "testing")]
    #[doc(hidden)]
    pub fn put_bytes(&mut self, table: &'static str, key: Vec<u8>, value: Vec<u8>) {
        self.steps.push(Step::Put { table, key, value });
    }

    /// Whether it changes and expects nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Adds the steps of another transaction after this one's.
    pub fn extend(&mut self, other: Transaction) {
        self.steps.extend(other.steps);
    }
}
