//! A stream with a queue over an engine that is driven turn by turn.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use flowstone_engine::clock::{Clock, ManualClock};
use flowstone_engine::entropy::SeededEntropy;
use flowstone_engine::error::Result;
use flowstone_engine::io::sim::SimDisk;
use flowstone_engine::types::ShardId;
use flowstone_server::service::queue::{
    self, Ask, CreateQueue, CreateQueueError, Lane, Offload, Pace, Place, Queue, QueueStart,
    Queues, Receipt, Received, Refusal, Wish,
};
use flowstone_server::service::{
    CreateError, CreateStream, Distribution, Mode, Stream, StreamKey, StreamLimits, Streams,
};

use crate::sim::queue::history::{Delivery, RECEIVE_COUNT_MAX};
use crate::sim::rig::Rig;

/// Shards of the stream.
pub const SHARDS: u32 = 2;

/// Snapshots so often that a hundred calls see many.
const PACE: Pace = Pace { snapshot_after_bytes: 700, chunk_after_bytes: 60, chunk_records_max: 5 };

const KEY: StreamKey<'static> =
    StreamKey { account: "000000000000", region: "us-east-1", name: "s" };

/// Turns after which a call that gives no answer is a bug.
const TURNS_MAX: u32 = 100_000;

/// A call under way.
pub type Call<T> = Pin<Box<dyn Future<Output = Result<T>>>>;

/// A stream with a queue.
pub struct Shop {
    /// The engine, and what drives it.
    pub rig: Rig,
    streams: Arc<Streams>,
    stream: Arc<Stream>,
    queue: Arc<Queue>,
}

impl Shop {
    /// Opens what is on `disk`; makes stream and queue where they are missing.
    pub fn open(disk: &Arc<SimDisk>, clock: &Arc<ManualClock>, seed: u64) -> Result<Shop> {
        let rig = Rig::open(disk, clock, seed)?;
        let limits = StreamLimits {
            streams_max: 1,
            shards_per_stream_max: 8,
            shards_max: 8,
            shards_max_large_region: None,
            on_demand_streams_max: 1,
        };
        let streams = Streams::load(&rig.engine, limits)?;
        let stream = match streams.find(KEY) {
            Some(stream) => stream,
            None => create_stream(&rig, &streams)?,
        };
        let context = queue::Context {
            engine: rig.engine.clone(),
            clock: clock.clone(),
            offload: Offload::Inline,
            pace: PACE,
        };
        let queues = Queues::load(context, &SeededEntropy::new(seed))?;
        let queue = match queues.of_stream(stream.row.id).into_iter().next() {
            Some(queue) => queue,
            None => create_queue(&queues, &streams, &stream)?,
        };
        Ok(Shop { rig, streams: Arc::new(streams), stream, queue })
    }

    /// The shard logs of the stream.
    #[must_use]
    pub fn logs(&self) -> Vec<ShardId> {
        self.stream.row.shards.iter().map(|shard| shard.log()).collect()
    }

    /// Receives.
    #[must_use]
    pub fn receive(&self, ask: Ask) -> Call<Received> {
        let (queue, streams) = (Arc::clone(&self.queue), Arc::clone(&self.streams));
        Box::pin(async move { queue.receive(&streams, &ask).await })
    }

    /// Asks for wishes.
    #[must_use]
    pub fn grant(
        &self,
        lane: Lane,
        wishes: Vec<(Receipt, Wish)>,
    ) -> Call<Vec<Result<(), Refusal>>> {
        let queue = Arc::clone(&self.queue);
        let wishes: Vec<_> = wishes.into_iter().map(|(it, wish)| (Some(it), wish)).collect();
        Box::pin(async move { queue.grant(lane, &wishes).await })
    }

    /// What a receive from `lane` was answered with.
    #[must_use]
    pub fn deliveries(&self, lane: Lane, received: &Received) -> Vec<Delivery> {
        let queue = self.queue.row().id;
        let mut deliveries = Vec::new();
        for run in &received.runs {
            for (record, entry) in run.read.records().zip(&run.entries) {
                let place = Place { shard: run.shard, seq: record.seq.0 };
                let receipt = Receipt { queue, place, delivery: entry.deliveries, lane };
                deliveries.push(Delivery {
                    receipt,
                    receive_count: entry.receive_count(),
                    visible_ms: entry.visible_ms,
                });
            }
        }
        deliveries
    }

    /// Every record that the stream has.
    pub fn places(&self) -> Result<BTreeSet<Place>> {
        let mut places = BTreeSet::new();
        for shard in &self.stream.row.shards {
            let (first, records) = self.rig.read_all(shard.log())?;
            let seqs = first.0..first.0 + records.len() as u64;
            places.extend(seqs.map(|seq| Place { shard: shard.index, seq }));
        }
        Ok(places)
    }

    /// Drives a call to its end.
    pub fn finish<T>(&mut self, mut call: Call<T>) -> Result<T> {
        for _ in 0..TURNS_MAX {
            if let Some(result) = poll(&mut call) {
                return result;
            }
            self.rig.crew.commit_all();
        }
        panic!("the call was never answered");
    }

    /// Bytes of the delivery log that a restart reads.
    pub fn log_bytes(&self) -> Result<usize> {
        let (_, records) = self.rig.read_all(self.queue.row().log())?;
        Ok(records.iter().map(Vec::len).sum())
    }

    /// The time.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.rig.clock.wall().0
    }
}

/// Looks whether a call has ended.
pub fn poll<T>(call: &mut Call<T>) -> Option<Result<T>> {
    match call.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => Some(result),
        Poll::Pending => None,
    }
}

fn create_stream(rig: &Rig, streams: &Streams) -> Result<Arc<Stream>> {
    let spec = CreateStream {
        shards: SHARDS,
        mode: Mode::OnDemand,
        distribution: Distribution::UserPartitionKey,
        record_kib_max: 1024,
        warm_mibps: None,
        tags: Vec::new(),
    };
    streams.create(&rig.engine, rig.clock.wall(), KEY, spec).map_err(|error| match error {
        CreateError::Engine(error) => error,
        other => panic!("the stream can be made: {other:?}"),
    })
}

fn create_queue(queues: &Queues, streams: &Streams, stream: &Stream) -> Result<Arc<Queue>> {
    let spec = CreateQueue {
        name: "q".to_owned(),
        account: KEY.account.to_owned(),
        region: KEY.region.to_owned(),
        start: QueueStart::TrimHorizon,
        visibility_s: 30,
        receive_count_max: Some(RECEIVE_COUNT_MAX),
        tags: Vec::new(),
        of_stream_max: 1,
    };
    let mut create = Box::pin(queues.create(streams, stream, spec));
    match create.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(queue)) => Ok(queue),
        Poll::Ready(Err(CreateQueueError::Engine(error))) => Err(error),
        Poll::Ready(Err(other)) => panic!("the queue can be made: {other:?}"),
        Poll::Pending => panic!("making a queue waits for nothing here"),
    }
}
