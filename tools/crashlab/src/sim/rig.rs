//! An engine on a simulated disk, driven turn by turn.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use flowstone_engine::clock::ManualClock;
use flowstone_engine::entropy::SeededEntropy;
use flowstone_engine::error::{Error, Result};
use flowstone_engine::frame::{Batch, BatchBuilder};
use flowstone_engine::io::sim::SimDisk;
use flowstone_engine::shard::{ReadFrom, ReadLimit};
use flowstone_engine::types::{SeqNo, ShardId, Timestamp};
use flowstone_engine::{Appended, Crew, Engine, Options, ShardSpec};

/// The start of time in simulations.
pub const START: Timestamp = Timestamp(1_700_000_000_000);

/// How long simulated shards keep records.
pub const RETENTION_MS: u64 = 60 * 60 * 1000;

/// Resolves to the end of an append.
pub type Answer = Box<dyn FnMut() -> Option<Result<Appended>>>;

/// An engine and what drives it.
pub struct Rig {
    /// The disk under it.
    pub disk: Arc<SimDisk>,
    /// Its clock.
    pub clock: Arc<ManualClock>,
    /// The engine.
    pub engine: Engine,
    /// Its hands.
    pub crew: Crew,
}

/// Options under which a few hundred records fill several journal files.
#[must_use]
pub fn small_options() -> Options {
    Options {
        journal_file_bytes: 64 * 1024,
        journal_files_max: 3,
        commit_bytes_max: 16 * 1024,
        block_bytes: 2048,
        ..Options::default()
    }
}

impl Rig {
    /// Opens what is on `disk`.
    pub fn open(disk: &Arc<SimDisk>, clock: &Arc<ManualClock>, seed: u64) -> Result<Rig> {
        let (engine, crew) = Engine::open_with_crew(
            disk.clone(),
            clock.clone(),
            Arc::new(SeededEntropy::new(seed)),
            small_options(),
        )?;
        Ok(Rig { disk: Arc::clone(disk), clock: Arc::clone(clock), engine, crew })
    }

    /// Makes shard logs.
    pub fn create_shards(&self, count: usize) -> Result<Vec<ShardId>> {
        let spec = ShardSpec { retention_ms: RETENTION_MS };
        self.engine.create_shards(&vec![spec; count], |_, _| ())
    }

    /// Queues an append.
    pub fn enqueue(&self, shard: ShardId, records: &[Vec<u8>]) -> Result<Answer> {
        let queued = pin!(self.engine.enqueue(shard, batch_of(records)?));
        match queued.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(mut answer)) => Ok(Box::new(move || answer.try_recv().ok())),
            Poll::Ready(Err(error)) => Err(error),
            Poll::Pending => Err(Error::new(
                flowstone_engine::error::ErrorKind::Full,
                "the simulated queue has no room",
            )),
        }
    }

    /// Everything readable in a shard: its first sequence number, then the data of each record.
    pub fn read_all(&self, shard: ShardId) -> Result<(SeqNo, Vec<Vec<u8>>)> {
        let from = self.engine.resolve(shard, ReadFrom::TrimHorizon)?;
        let (mut all, mut next) = (Vec::new(), from);
        loop {
            let limit = ReadLimit { records: 1 + all.len() % 13, bytes: 5000 };
            let read = self.engine.read(shard, next, limit)?;
            if read.count() == 0 {
                return Ok((from, all));
            }
            for record in read.records() {
                assert_eq!(record.seq.0, from.0 + all.len() as u64, "reads have no gaps");
                all.push(record.record.data.to_vec());
            }
            next = read.next();
        }
    }
}

fn batch_of(records: &[Vec<u8>]) -> Result<Batch> {
    let mut builder = BatchBuilder::default();
    for data in records {
        builder.push(b"k", data)?;
    }
    builder.finish()
}
