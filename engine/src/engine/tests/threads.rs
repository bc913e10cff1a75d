//! The engine with threads of its own, on a real disk.

use std::task::Wake;
use std::thread::{self, Thread};
use std::time::Duration;

use super::*;
use crate::clock::{Clock, SystemClock};
use crate::engine::bell::Bell;
use crate::engine::crew::{BlockOnPanic, PoisonOnPanic};
use crate::entropy::SystemEntropy;
use crate::error::ErrorKind;
use crate::io::{Backend, RealDisk};

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}

fn open(directory: &std::path::Path) -> Engine {
    let disk = Arc::new(RealDisk::open(directory, Backend::Portable).unwrap());
    Engine::open(disk, Arc::new(SystemClock::default()), Arc::new(SystemEntropy), small()).unwrap()
}

#[test]
fn threads_commit_seal_compact_and_end() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open(directory.path());
    let shard = engine.create_shards(&[ShardSpec { retention_ms: DAY_MS }], |_, _| ()).unwrap()[0];
    // Twenty files of records, and only four files at a time: without sealing this never ends.
    for record in 0..200u8 {
        let batch = Batch::single(b"key", &vec![record; 12_000]).unwrap();
        let appended = block_on(engine.append(shard, batch)).unwrap();
        assert_eq!(appended.first_seq, SeqNo(record.into()));
    }
    // And without compaction there would be as many segments as files.
    while engine.status().journal_files > 1 || engine.status().segments > 15 {
        thread::yield_now();
    }
    engine.close().unwrap();
    let batch = Batch::single(b"key", b"too late").unwrap();
    assert_eq!(block_on(engine.append(shard, batch)).unwrap_err().kind(), ErrorKind::Closed);
    drop(engine);

    let engine = open(directory.path());
    assert!(engine.recovery().is_clean, "{:?}", engine.recovery());
    assert_eq!(engine.watermarks(shard).unwrap().tail, SeqNo(200));
    engine.close().unwrap();
}

/// Drops `guard` in a thread that ends well, or by a panic.
fn end_with<G: Send + 'static>(guard: G, has_panicked: bool) {
    let ended = thread::spawn(move || {
        let _guard = guard;
        assert!(!has_panicked, "a test");
    });
    assert_eq!(ended.join().is_err(), has_panicked);
}

#[test]
fn a_committer_that_panics_leaves_nobody_waiting() {
    let rig = Rig::fresh(92);
    let shard = rig.shards(1)[0];
    let mut answer = rig.enqueue(shard, b"waits").unwrap();
    end_with(PoisonOnPanic(Arc::clone(&rig.crew.shared)), false);
    assert!(answer.try_recv().is_err(), "a thread that ends well harms nobody");
    end_with(PoisonOnPanic(Arc::clone(&rig.crew.shared)), true);
    assert_eq!(answer.try_recv().unwrap().unwrap_err().kind(), ErrorKind::Poisoned);
    assert_eq!(rig.enqueue(shard, b"more").unwrap_err().kind(), ErrorKind::Poisoned);
}

#[test]
fn a_sealer_that_panics_leaves_nobody_waiting() {
    let mut rig = Rig::fresh(93);
    let shard = rig.shards(1)[0];
    let mut answer = rig.enqueue(shard, b"waits for a file").unwrap();
    end_with(BlockOnPanic(Arc::clone(&rig.crew.shared)), false);
    rig.crew.commit();
    assert!(answer.try_recv().is_err(), "a thread that ends well harms nobody");
    end_with(BlockOnPanic(Arc::clone(&rig.crew.shared)), true);
    rig.crew.commit();
    assert_eq!(answer.try_recv().unwrap().unwrap_err().kind(), ErrorKind::Unavailable);
}

#[test]
fn an_engine_one_of_whose_threads_has_panicked_says_so_when_it_is_closed() {
    for panicked in [None, Some(0), Some(1), Some(2)] {
        let rig = Rig::fresh(94);
        let threads =
            (0..3).map(|place| thread::spawn(move || assert_ne!(Some(place), panicked, "a test")));
        rig.engine.threads.lock().unwrap().extend(threads);
        let closed = rig.engine.close().map_err(|error| error.kind());
        assert_eq!(closed, panicked.map_or(Ok(()), |_| Err(ErrorKind::Unavailable)));
    }
}

#[test]
fn a_bell_that_nobody_rings_is_waited_for() {
    let clock = SystemClock::default();
    let began_ms = clock.monotonic_ms();
    Bell::default().wait(Duration::from_millis(20));
    // A clock of milliseconds may have cut one off at either end.
    assert!(clock.monotonic_ms() - began_ms >= 19);
}

#[test]
fn a_bell_that_rang_before_a_wait_ends_it() {
    let bell = Bell::default();
    bell.ring();
    bell.wait(Duration::from_secs(24 * 60 * 60));
}
