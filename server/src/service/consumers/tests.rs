//! Tests of consumers in the catalog of an engine on a simulated disk.

use std::sync::Arc;

use clap::Parser;
use flowstone_engine::Options;
use flowstone_engine::clock::ManualClock;
use flowstone_engine::entropy::SeededEntropy;
use flowstone_engine::io::sim::SimDisk;

use super::*;
use crate::config::{Config, Flags};
use crate::service::{CreateStream, Distribution, Mode, StreamKey, Streams};

const NOW: Timestamp = Timestamp(1_700_000_000_123);
const KEY: StreamKey<'static> =
    StreamKey { account: "123456789012", region: "eu-west-1", name: "s" };
struct World {
    disk: Arc<SimDisk>,
    engine: Engine,
    streams: Streams,
    consumers: Consumers,
}

impl World {
    fn open(disk: Arc<SimDisk>) -> World {
        let clock = Arc::new(ManualClock::at(NOW));
        let options = Options { journal_file_bytes: 128 * 1024, ..Options::default() };
        let entropy = Arc::new(SeededEntropy::new(1));
        let (engine, _) = Engine::open_with_crew(disk.clone(), clock, entropy, options).unwrap();
        let flags = Flags::try_parse_from(["flowstone"]).unwrap();
        let limits = Config::resolve(flags).unwrap().streams.streams;
        let streams = Streams::load(&engine, limits).unwrap();
        let consumers = Consumers::load(&engine).unwrap();
        World { disk, engine, streams, consumers }
    }

    fn create(&self) -> Arc<Stream> {
        let spec = CreateStream {
            shards: 1,
            mode: Mode::Provisioned,
            distribution: Distribution::UserPartitionKey,
            record_kib_max: 1024,
            warm_mibps: None,
            tags: Vec::new(),
        };
        self.streams.create(&self.engine, NOW, KEY, spec).unwrap()
    }

    fn delete(&self) {
        let delete = self.streams.delete(&self.engine, KEY, |_, _| Ok::<_, ()>(()));
        delete.unwrap();
    }

    fn register(&self, stream: &Stream, name: &str) -> Result<Arc<Consumer>, RegisterError> {
        let Self { engine, streams, consumers, .. } = self;
        consumers.register(engine, streams, NOW, stream, name, Vec::new(), 2)
    }

    fn names(&self, stream: &Stream, after: &str) -> Vec<String> {
        let listed = self.consumers.list(stream.row.id, after, 9);
        listed.iter().map(|consumer| consumer.row.name.clone()).collect()
    }
}

#[test]
fn consumers_outlive_a_crash_and_go_for_good() {
    let world = World::open(SimDisk::new(1));
    let stream = world.create();
    world.register(&stream, "b").unwrap();
    world.register(&stream, "a").unwrap();
    assert!(matches!(world.register(&stream, "a"), Err(RegisterError::AlreadyExists)));
    assert!(matches!(world.register(&stream, "c"), Err(RegisterError::TooMany)));
    let world = World::open(world.disk.crash(2));
    assert_eq!(world.names(&stream, ""), ["a", "b"]);
    assert_eq!(world.names(&stream, "a"), ["b"]);
    world.consumers.deregister(&world.engine, stream.row.id, "a").unwrap();
    let gone = world.consumers.deregister(&world.engine, stream.row.id, "a").unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::NotFound);
    let world = World::open(world.disk.crash(3));
    assert_eq!(world.names(&stream, ""), ["b"]);
}

#[test]
fn a_change_keeps_who_reads() {
    let world = World::open(SimDisk::new(4));
    let stream = world.create();
    let before = world.register(&stream, "a").unwrap();
    let id = stream.row.id;
    let edit = |row: &mut ConsumerRow| {
        row.policy = Some("{}".into());
        Ok::<(), ()>(())
    };
    world.consumers.change(&world.engine, id, "a", edit).unwrap().unwrap().unwrap();
    let after = world.consumers.find(id, "a").unwrap();
    assert_eq!(after.row.policy.as_deref(), Some("{}"));
    assert!(Arc::ptr_eq(&before.seats, &after.seats));
    assert!(
        world.consumers.change(&world.engine, id, "b", |_| Ok::<(), ()>(())).unwrap().is_none()
    );
}

#[test]
fn a_consumer_of_a_stream_that_was_made_again_is_refused() {
    let world = World::open(SimDisk::new(5));
    let old = world.create();
    world.delete();
    assert!(matches!(world.register(&old, "a"), Err(RegisterError::NoStream)));
    let new = world.create();
    assert!(matches!(world.register(&old, "a"), Err(RegisterError::NoStream)));
    world.register(&new, "a").unwrap();
}
