//! The engine: what callers see of all that is below.

mod options;

pub use options::{Appended, Options, ShardSpec, Status};

use std::sync::Arc;

use crate::catalog::{Catalog, Transaction};
use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::error::Result;
use crate::frame::Batch;
use crate::io::Disk;
use crate::shard::{Read, ReadFrom, ReadLimit, Watermarks};
use crate::types::{SeqNo, ShardId};

/// An open data directory. Cheap to clone; the last clone's drop does not close it, [`close`] does.
///
/// [`close`]: Engine::close
#[derive(Clone)]
pub struct Engine {}

impl Engine {
    /// Opens the data directory behind `disk`, recovers what is there, and starts the threads that
    /// commit, seal and compact.
    pub fn open(
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        options: Options,
    ) -> Result<Engine> {
        let _ = (disk, clock, entropy, options);
        unimplemented!()
    }

    /// The catalog, for the callers' own tables. Rows of the engine's tables are not for them.
    pub fn catalog(&self) -> &Catalog {
        unimplemented!()
    }

    /// Makes one shard log per spec, atomically with what `also` adds to the transaction: it is
    /// given the new ids in the order of `specs`. Blocks on a flush.
    pub fn create_shards(
        &self,
        specs: &[ShardSpec],
        also: impl FnOnce(&[ShardId], &mut Transaction),
    ) -> Result<Vec<ShardId>> {
        let _ = (specs, also);
        unimplemented!()
    }

    /// Deletes shard logs with all their records, atomically with `also`. Blocks on a flush. Space
    /// comes back as sealing and compaction pass over it.
    pub fn delete_shards(&self, shards: &[ShardId], also: Transaction) -> Result<()> {
        let _ = (shards, also);
        unimplemented!()
    }

    /// Sets how long `shard` keeps records, atomically with `also`. Blocks on a flush.
    pub fn set_retention(&self, shards: &[ShardId], ms: u64, also: Transaction) -> Result<()> {
        let _ = (shards, ms, also);
        unimplemented!()
    }

    /// Appends a batch. Resolves when the records are durable, in order with every other append to
    /// the shard. Waits for room when too much is pending. Dropping the future after it was first
    /// polled does not take the records back.
    pub async fn append(&self, shard: ShardId, batch: Batch) -> Result<Appended> {
        let _ = (shard, batch);
        unimplemented!()
    }

    /// The sequence number that `from` means now. May read from disk for [`ReadFrom::AtTime`].
    /// A time before all records is the trim horizon, a time after all is the end; `At` and `After`
    /// positions past retention answer `Trimmed`.
    pub fn resolve(&self, shard: ShardId, from: ReadFrom) -> Result<SeqNo> {
        let _ = (shard, from);
        unimplemented!()
    }

    /// Records from `from` on, never past the high watermark; empty at the end. May read from disk
    /// unless [`Engine::is_resident`].
    pub fn read(&self, shard: ShardId, from: SeqNo, limit: ReadLimit) -> Result<Read> {
        let _ = (shard, from, limit);
        unimplemented!()
    }

    /// Whether a read from `from` is served from memory without touching the disk.
    pub fn is_resident(&self, shard: ShardId, from: SeqNo) -> bool {
        let _ = (shard, from);
        unimplemented!()
    }

    /// Resolves when the high watermark has passed `seq`: the record is there to read. An error
    /// when the shard is deleted or the engine closed meanwhile.
    pub async fn wait_for(&self, shard: ShardId, seq: SeqNo) -> Result<()> {
        let _ = (shard, seq);
        unimplemented!()
    }

    /// The shard's watermarks.
    pub fn watermarks(&self, shard: ShardId) -> Result<Watermarks> {
        let _ = shard;
        unimplemented!()
    }

    /// How the engine is.
    pub fn status(&self) -> Status {
        unimplemented!()
    }

    /// Refuses new appends, finishes those that were taken, writes the clean-shutdown marker and
    /// ends the threads. Blocks.
    pub fn close(&self) -> Result<()> {
        unimplemented!()
    }
}
