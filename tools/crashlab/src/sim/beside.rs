//! A table of the caller's own beside the engine's: a row for each shard, which says how long the
//! shard keeps records, changed in one transaction with the shard.

use flowstone_engine::catalog::{Table, Transaction};
use flowstone_engine::catalog_value;
use flowstone_engine::types::ShardId;
use rkyv::{Archive, Deserialize, Serialize};

use crate::sim::history::Breach;
use crate::sim::rig::Rig;
use crate::verdict::Broken;

/// A row.
#[derive(Archive, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
struct Row {
    retention_ms: u64,
}
catalog_value!(Row, version = 1);

const ROWS: Table<u64, Row> = Table::new("lab.shards");

/// Adds or changes the row of `shard`.
pub(super) fn put(transaction: &mut Transaction, shard: ShardId, retention_ms: u64) {
    transaction.put(&ROWS, &shard.0, &Row { retention_ms });
}

/// Removes the row of `shard`.
pub(super) fn remove(transaction: &mut Transaction, shard: ShardId) {
    transaction.remove(&ROWS, &shard.0);
}

/// Whether the table says just what `shards` says of the engine's: who is there, and how long each
/// keeps records.
pub(super) fn check(rig: &Rig, shards: &[(ShardId, u64)]) -> Result<(), Breach> {
    let rows = rig.engine.catalog().scan(&ROWS);
    let rows = rows.map_err(|error| Breach::new(Broken::Unusable, error.to_string()))?;
    let rows: Vec<_> = rows.into_iter().map(|(id, row)| (ShardId(id), row.retention_ms)).collect();
    if rows == shards {
        return Ok(());
    }
    let what = format!("a table beside says {rows:?}, the engine's {shards:?}");
    Err(Breach::new(Broken::WrongBytes, what))
}
