//! A queue over an engine on a disk: bounds, large records, expiry, waiting, callers that go away.

use std::sync::Arc;

use flowstone_engine::clock::ManualClock;
use flowstone_engine::entropy::SeededEntropy;
use flowstone_engine::frame::Batch;
use flowstone_engine::io::{Backend, RealDisk};
use flowstone_engine::types::Timestamp;
use flowstone_engine::{Engine, Options};
use futures_util::FutureExt;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::service::queue::*;
use crate::service::{
    CreateStream, Distribution, Mode, Stream, StreamKey, StreamLimits, StreamRow, Streams,
};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
const HOUR_MS: u64 = 60 * 60 * 1000;

/// A server's service of queues with one stream on demand.
struct Whole {
    runtime: Runtime,
    clock: Arc<ManualClock>,
    engine: Engine,
    streams: Arc<Streams>,
    queues: Arc<Queues>,
    stream: Arc<Stream>,
    _data: TempDir,
}

impl Whole {
    fn open() -> Whole {
        let data = tempfile::tempdir().unwrap();
        let disk = RealDisk::open(data.path(), Backend::Portable).unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp(1_700_000_000_000)));
        let entropy = Arc::new(SeededEntropy::new(1));
        let engine =
            Engine::open(Arc::new(disk), clock.clone(), entropy.clone(), Options::default());
        let engine = engine.unwrap();
        let limits = StreamLimits {
            streams_max: 9,
            shards_per_stream_max: 9,
            shards_max: 9,
            shards_max_large_region: None,
            on_demand_streams_max: 9,
        };
        let streams = Arc::new(Streams::load(&engine, limits).unwrap());
        let context = Context {
            engine: engine.clone(),
            clock: clock.clone(),
            offload: Offload::Threads,
            pace: Pace::default(),
        };
        let queues = Arc::new(Queues::load(context, &*entropy).unwrap());
        let stream = stream(&engine, &streams, "s", Mode::OnDemand);
        let runtime = Runtime::new().unwrap();
        Whole { runtime, clock, engine, streams, queues, stream, _data: data }
    }

    fn create(&self, name: &str, stream: &Stream) -> Result<Arc<Queue>, CreateQueueError> {
        self.runtime.block_on(self.queues.create(&self.streams, stream, spec(name)))
    }

    fn put(&self, data: &[u8]) {
        let log = self.stream.row.shards[0].log();
        self.runtime.block_on(self.engine.append(log, Batch::single(b"k", data).unwrap())).unwrap();
    }

    fn receive(&self, queue: &Queue, records: usize) -> Vec<(Receipt, usize)> {
        let ask = Ask { lane: Lane::Normal, records, visibility_ms: None };
        let received = self.runtime.block_on(queue.receive(&self.streams, &ask)).unwrap();
        receipts(queue, &received)
    }

    fn grant(&self, queue: &Queue, receipt: Receipt, wish: Wish) -> Result<(), Refusal> {
        let wishes = [(Some(receipt), wish)];
        self.runtime.block_on(queue.grant(Lane::Normal, &wishes)).unwrap()[0]
    }
}

impl Drop for Whole {
    fn drop(&mut self) {
        self.engine.close().unwrap();
    }
}

fn spec(name: &str) -> CreateQueue {
    CreateQueue {
        name: name.to_owned(),
        account: "000000000000".to_owned(),
        region: "us-east-1".to_owned(),
        start: QueueStart::TrimHorizon,
        visibility_s: 30,
        receive_count_max: Some(6),
        tags: Vec::new(),
        of_stream_max: 2,
    }
}

fn stream(engine: &Engine, streams: &Streams, name: &str, mode: Mode) -> Arc<Stream> {
    let key = StreamKey { account: "000000000000", region: "us-east-1", name };
    let spec = CreateStream {
        shards: 1,
        mode,
        distribution: Distribution::UserPartitionKey,
        record_kib_max: 10 * 1024,
        warm_mibps: None,
        tags: Vec::new(),
    };
    streams.create(engine, Timestamp(5), key, spec).unwrap()
}

/// A receipt for each record, with how long the record is.
fn receipts(queue: &Queue, received: &Received) -> Vec<(Receipt, usize)> {
    let mut receipts = Vec::new();
    for run in &received.runs {
        for (record, entry) in run.read.records().zip(&run.entries) {
            let receipt = Receipt {
                queue: queue.row().id,
                place: Place { shard: run.shard, seq: record.seq.0 },
                delivery: entry.deliveries,
                lane: Lane::Normal,
            };
            receipts.push((receipt, record.record.data.len()));
        }
    }
    receipts
}

#[test]
fn a_stream_has_no_more_queues_than_it_may_and_each_name_once() {
    let whole = Whole::open();
    let first = whole.create("a", &whole.stream).unwrap();
    let twice = whole.create("a", &whole.stream);
    assert!(matches!(twice, Err(CreateQueueError::AlreadyExists)), "{twice:?}");
    whole.create("b", &whole.stream).unwrap();
    let third = whole.create("c", &whole.stream);
    assert!(matches!(third, Err(CreateQueueError::TooManyOfStream)), "{third:?}");
    assert_eq!(whole.queues.of_stream(whole.stream.row.id).len(), 2, "a refusal leaves nothing");
    whole.runtime.block_on(whole.queues.delete(&first)).unwrap();
    whole.create("a", &whole.stream).unwrap();
    let provisioned = stream(&whole.engine, &whole.streams, "p", Mode::Provisioned);
    let refused = whole.create("d", &provisioned);
    assert!(matches!(refused, Err(CreateQueueError::NotOnDemand)), "{refused:?}");
}

#[test]
fn no_queue_is_made_while_they_are_held_unchanging() {
    let whole = Whole::open();
    let (queues, streams, stream) = (&whole.queues, &whole.streams, &whole.stream);
    let held = whole.runtime.block_on(queues.hold());
    let mut made = Box::pin(queues.create(streams, stream, spec("q")));
    assert!((&mut made).now_or_never().is_none());
    // What is changed meanwhile is seen.
    let change = |row: &mut StreamRow| {
        row.mode = Mode::Provisioned;
        Ok::<_, ()>(())
    };
    streams.change(&whole.engine, stream.key(), change).unwrap();
    drop(held);
    let made = whole.runtime.block_on(made);
    assert!(matches!(made, Err(CreateQueueError::NotOnDemand)), "{made:?}");
}

#[test]
fn an_answer_is_bounded_and_still_every_record_comes() {
    const MIB: usize = 1024 * 1024;
    let whole = Whole::open();
    let queue = whole.create("q", &whole.stream).unwrap();
    let sizes = [6 * MIB, 6 * MIB, 10 * MIB, 3 * MIB, 3 * MIB];
    sizes.iter().for_each(|size| whole.put(&vec![7; *size]));
    let mut answers = Vec::new();
    loop {
        let received = whole.receive(&queue, 10);
        if received.is_empty() {
            break;
        }
        answers.push(received.iter().map(|(_, bytes)| *bytes).collect::<Vec<_>>());
    }
    let expected = [vec![6 * MIB], vec![6 * MIB], vec![10 * MIB], vec![3 * MIB; 2]];
    assert_eq!(answers, expected);
    // The same when they are visible again.
    whole.clock.pass_ms(HOUR_MS);
    let again: usize = (0..5).map(|_| whole.receive(&queue, 10).len()).sum();
    assert_eq!(again, sizes.len());
}

#[test]
fn records_past_retention_leave_the_queue() {
    let whole = Whole::open();
    let queue = whole.create("q", &whole.stream).unwrap();
    (0..4).for_each(|_| whole.put(b"old"));
    let old = whole.receive(&queue, 2);
    assert_eq!(old.len(), 2);
    whole.clock.pass_ms(DAY_MS + 1);
    whole.put(b"new");
    let new = whole.receive(&queue, 10);
    assert_eq!(new.iter().map(|(receipt, _)| receipt.place.seq).collect::<Vec<_>>(), [4]);
    assert_eq!(whole.runtime.block_on(queue.in_flight()).unwrap(), 1);
    assert_eq!(whole.grant(&queue, old[0].0, Wish::Reappear(0)), Err(Refusal::Gone));
    assert_eq!(whole.grant(&queue, old[0].0, Wish::Acknowledge), Ok(()));
    assert_eq!(whole.grant(&queue, new[0].0, Wish::Acknowledge), Ok(()));
}

#[test]
fn a_receive_does_not_wait_for_records_that_expired_unreceived() {
    let whole = Whole::open();
    let queue = whole.create("q", &whole.stream).unwrap();
    (0..4).for_each(|_| whole.put(b"old"));
    whole.clock.pass_ms(DAY_MS + 1);
    let ask = Ask { lane: Lane::Normal, records: 1, visibility_ms: None };
    let received = whole.runtime.block_on(queue.receive(&whole.streams, &ask)).unwrap();
    assert!(received.is_empty());
    // It would be told at once of what is not there, again and again.
    let is_there =
        |(shard, end): &(_, _)| whole.engine.watermarks(*shard).unwrap().high_watermark > *end;
    assert!(!received.ends.iter().any(is_there), "{:?}", received.ends);
    assert_eq!(received.ends.len(), 1);
}

#[test]
fn a_receive_that_waits_ends_when_the_server_stops() {
    let whole = Whole::open();
    let queue = whole.create("q", &whole.stream).unwrap();
    let (of, streams) = (Arc::clone(&queue), Arc::clone(&whole.streams));
    let ask = Ask { lane: Lane::Normal, records: 1, visibility_ms: None };
    let waiting =
        whole.runtime.spawn(async move { of.receive_waiting(&streams, &ask, HOUR_MS).await });
    whole.queues.stop();
    assert!(whole.runtime.block_on(waiting).unwrap().unwrap().is_empty());
}

#[test]
fn a_receive_whose_caller_goes_away_costs_no_record() {
    let whole = Whole::open();
    let queue = whole.create("q", &whole.stream).unwrap();
    (0..50).for_each(|_| whole.put(b"data"));
    for _ in 0..20 {
        let (of, streams) = (Arc::clone(&queue), Arc::clone(&whole.streams));
        let ask = Ask { lane: Lane::Normal, records: 5, visibility_ms: None };
        let call = whole.runtime.spawn(async move { of.receive(&streams, &ask).await.is_ok() });
        call.abort();
        let _ = whole.runtime.block_on(call);
    }
    // What nobody was told of is visible again in its time.
    whole.clock.pass_ms(HOUR_MS);
    let mut seen = std::collections::BTreeSet::new();
    loop {
        let received = whole.receive(&queue, 10);
        if received.is_empty() {
            break;
        }
        for (receipt, _) in received {
            assert!(seen.insert(receipt.place));
            assert_eq!(whole.grant(&queue, receipt, Wish::Acknowledge), Ok(()));
        }
    }
    assert_eq!(seen.len(), 50);
}
