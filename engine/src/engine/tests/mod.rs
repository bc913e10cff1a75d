//! The engine on a simulated disk, driven turn by turn.

mod basics;
mod committer;
mod compacting;
mod corners;
mod damage;
mod full;
mod owners;
mod refusals;
mod reshard;
mod retention;
mod sharing;
mod strays;
mod threads;
mod trim;

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use tokio::sync::oneshot;

use crate::clock::ManualClock;
use crate::engine::{Appended, Crew, Engine, Options, ShardSpec};
use crate::entropy::SeededEntropy;
use crate::error::Result;
use crate::frame::Batch;
use crate::io::sim::SimDisk;
use crate::shard::{ReadFrom, ReadLimit};
use crate::types::{SeqNo, ShardId, Timestamp};

/// The start of time in these tests.
pub(super) const START: Timestamp = Timestamp(1_700_000_000_000);
/// A day.
pub(super) const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// An engine on a simulated disk and what drives it.
pub(super) struct Rig {
    pub(super) disk: Arc<SimDisk>,
    pub(super) clock: Arc<ManualClock>,
    pub(super) engine: Engine,
    pub(super) crew: Crew,
}

pub(super) fn small() -> Options {
    Options {
        journal_file_bytes: 128 * 1024,
        journal_files_max: 4,
        commit_bytes_max: 16 * 1024,
        gather_bytes: 0,
        block_bytes: 4096,
        ..Options::default()
    }
}

impl Rig {
    pub(super) fn open(disk: Arc<SimDisk>, clock: Arc<ManualClock>, seed: u64) -> Result<Rig> {
        Rig::open_with(disk, clock, seed, small())
    }

    pub(super) fn open_with(
        disk: Arc<SimDisk>,
        clock: Arc<ManualClock>,
        seed: u64,
        options: Options,
    ) -> Result<Rig> {
        let entropy = Arc::new(SeededEntropy::new(seed));
        let (engine, crew) = Engine::open_with_crew(disk.clone(), clock.clone(), entropy, options)?;
        Ok(Rig { disk, clock, engine, crew })
    }

    pub(super) fn fresh(seed: u64) -> Rig {
        Rig::open(SimDisk::new(seed), Arc::new(ManualClock::at(START)), seed).unwrap()
    }

    /// The engine after its process died and started again.
    pub(super) fn killed(self, seed: u64) -> Result<Rig> {
        Rig::open(self.disk.kill(), self.clock, seed)
    }

    /// The engine after the power went and came back.
    pub(super) fn crashed(self, seed: u64) -> Result<Rig> {
        Rig::open(self.disk.crash(seed), self.clock, seed)
    }

    pub(super) fn shards(&self, count: usize) -> Vec<ShardId> {
        let spec = ShardSpec { retention_ms: DAY_MS };
        self.engine.create_shards(&vec![spec; count], |_, _| ()).unwrap()
    }

    /// Queues an append.
    pub(super) fn enqueue(
        &self,
        shard: ShardId,
        data: &[u8],
    ) -> Result<oneshot::Receiver<Result<Appended>>> {
        let batch = Batch::single(b"key", data).unwrap();
        let queued = pin!(self.engine.enqueue(shard, batch));
        match queued.poll_once() {
            Poll::Ready(queued) => queued,
            Poll::Pending => panic!("the queue is full"),
        }
    }

    /// Appends and lets the crew work until it is told.
    pub(super) fn append(&mut self, shard: ShardId, data: &[u8]) -> Result<Appended> {
        let mut answer = self.enqueue(shard, data)?;
        self.crew.commit_all();
        answer.try_recv().expect("the crew has settled everything")
    }

    /// All data of a shard from `from` on.
    pub(super) fn read_from(&self, shard: ShardId, from: SeqNo) -> Result<Vec<Vec<u8>>> {
        let limit = ReadLimit { records: 7, bytes: 10_000 };
        let (mut all, mut next) = (Vec::new(), from);
        loop {
            let read = self.engine.read(shard, next, limit)?;
            if read.count() == 0 {
                return Ok(all);
            }
            for record in read.records() {
                assert_eq!(record.seq.0, from.0 + all.len() as u64, "without gaps");
                all.push(record.record.data.to_vec());
            }
            next = read.next();
        }
    }

    pub(super) fn read_all(&self, shard: ShardId) -> Result<Vec<Vec<u8>>> {
        self.read_from(shard, self.engine.resolve(shard, ReadFrom::TrimHorizon)?)
    }
}

/// Polling by hand: simulated futures are ready or never will be.
pub(super) trait PollOnce: Future {
    fn poll_once(self: std::pin::Pin<&mut Self>) -> Poll<Self::Output> {
        self.poll(&mut Context::from_waker(Waker::noop()))
    }
}

impl<F: Future> PollOnce for F {}
