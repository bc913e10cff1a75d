//! The seam under the catalog: rows of bytes, read one by one or in order, changed all together.

use std::fmt;
use std::ops::Bound;

use crate::catalog::transaction::Step;
use crate::error::Result;

/// A row: key and value as they are stored.
pub(super) type Row = (Vec<u8>, Vec<u8>);

/// A transactional key-value store. Local: [`RedbStore`](super::redb_store::RedbStore); a cluster
/// would put a replicated one here.
pub(super) trait Store: Send + Sync + fmt::Debug {
    /// The value under `key`. A table that was never written is empty.
    fn read(&self, table: &str, key: &[u8]) -> Result<Option<Vec<u8>>>;
    /// Up to `limit` rows from `start` on, in key order, all of one moment.
    fn scan(&self, table: &str, start: Bound<&[u8]>, limit: usize) -> Result<Vec<Row>>;
    /// Checks every expectation, then makes every change; or makes none. Durable on success.
    fn apply(&self, steps: &[Step]) -> Result<()>;
    /// Fails while reads may show changes that are not durable.
    fn check_durable(&self) -> Result<()>;
    /// Restores what an emergency used up. Cheap when there is nothing to do.
    fn maintain(&self) -> Result<()>;
}
