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

/// The longest that any simulated shard keeps records.
pub const RETENTION_MS_MAX: u64 = 2 * RETENTION_MS;

/// Journal files of a simulated engine, at most.
pub const JOURNAL_FILES_MAX: usize = 3;

/// Bytes that are worth a commit of their own to half of the engines.
const GATHER_BYTES: usize = 2048;

/// Resolves to the end of an append.
pub type Answer = Box<dyn FnMut() -> Option<Result<Appended>> + Send>;

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
        journal_files_max: JOURNAL_FILES_MAX,
        commit_bytes_max: 16 * 1024,
        gather_bytes: 0,
        block_bytes: 2048,
        block_cache_bytes: 1 << 20,
        ..Options::default()
    }
}

impl Rig {
    /// Opens what is on `disk`.
    pub fn open(disk: &Arc<SimDisk>, clock: &Arc<ManualClock>, seed: u64) -> Result<Rig> {
        // With many small commits in flight, and with few.
        let gather_bytes = if seed.is_multiple_of(2) { 0 } else { GATHER_BYTES };
        let (engine, crew) = Engine::open_with_crew(
            disk.clone(),
            clock.clone(),
            Arc::new(SeededEntropy::new(seed)),
            Options { gather_bytes, ..small_options() },
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

    /// Shows all that is readable in a shard, record by record, and answers where it begins; or
    /// the error with which `show` ended it.
    pub fn read_through<E>(
        &self,
        shard: ShardId,
        mut show: impl FnMut(SeqNo, &[u8]) -> std::result::Result<(), E>,
    ) -> Result<std::result::Result<SeqNo, E>> {
        let from = self.engine.resolve(shard, ReadFrom::TrimHorizon)?;
        let (mut expected, mut next) = (from, from);
        loop {
            let records = 1 + usize::try_from((expected.0 - from.0) % 13).unwrap_or(0);
            let read = self.engine.read(shard, next, ReadLimit { records, bytes: 5000 })?;
            if read.count() == 0 {
                return Ok(Ok(from));
            }
            for record in read.records() {
                assert_eq!(record.seq, expected, "reads have no gaps");
                if let Err(error) = show(record.seq, record.record.data) {
                    return Ok(Err(error));
                }
                expected = expected.plus(1);
            }
            next = read.next();
        }
    }

    /// Everything readable in a shard: its first sequence number, then the data of each record.
    pub fn read_all(&self, shard: ShardId) -> Result<(SeqNo, Vec<Vec<u8>>)> {
        let mut all = Vec::new();
        let show = |_, data: &[u8]| {
            all.push(data.to_vec());
            Ok::<_, std::convert::Infallible>(())
        };
        let Ok(from) = self.read_through(shard, show)?;
        Ok((from, all))
    }
}

fn batch_of(records: &[Vec<u8>]) -> Result<Batch> {
    let mut builder = BatchBuilder::default();
    for data in records {
        builder.push(b"k", data)?;
    }
    builder.finish()
}
