//! What the committer asks of its ring: when it waits and how long, and when it marks the journal.

use std::sync::Mutex;
use std::time::Duration;

use super::*;
use crate::engine::committer::Committer;
use crate::io::{CommitRing, Completion, DIRECT_IO_BYTES, Disk, DurableWrite, Wake};
use crate::limits::IDLE_MARKER_AFTER_MS;
use crate::types::{FileSeq, JournalPosition};

/// What was asked of a [`Spy`].
#[derive(Default)]
struct Asked {
    waits: Vec<Option<Duration>>,
    writes: usize,
    /// Bytes of the largest write.
    largest: usize,
    /// Nothing completes while this is set.
    is_held: bool,
}

/// A ring that notes what it is asked and hands it on.
struct Spy {
    ring: Box<dyn CommitRing>,
    asked: Arc<Mutex<Asked>>,
}

impl CommitRing for Spy {
    fn kind(&self) -> &'static str {
        self.ring.kind()
    }

    fn submit(&mut self, write: DurableWrite) {
        {
            let mut asked = self.asked.lock().unwrap();
            asked.writes += 1;
            asked.largest = asked.largest.max(write.bytes.len());
        }
        self.ring.submit(write);
    }

    fn wait(&mut self, timeout: Option<Duration>, completions: &mut Vec<Completion>) {
        let is_held = {
            let mut asked = self.asked.lock().unwrap();
            asked.waits.push(timeout);
            asked.is_held
        };
        if !is_held {
            // All that is in flight completes: the tests are about the asking.
            for _ in 0..64 {
                self.ring.wait(None, completions);
            }
        }
    }

    fn waker(&self) -> Arc<dyn Wake> {
        self.ring.waker()
    }
}

/// An engine whose committer works on a spy.
fn watched(options: Options) -> (Rig, ShardId, Arc<Mutex<Asked>>) {
    let clock = Arc::new(ManualClock::at(START));
    let mut rig = Rig::open_with(SimDisk::new(91), clock, 91, options).unwrap();
    let shard = rig.shards(1)[0];
    let asked = Arc::new(Mutex::new(Asked::default()));
    let ring = rig.disk.commit_ring(small().commits_in_flight_max).unwrap();
    let spy = Spy { ring, asked: Arc::clone(&asked) };
    let shared = Arc::clone(&rig.crew.shared);
    rig.crew.committer =
        Committer::new(shared, Box::new(spy), FileSeq(0), JournalPosition::default());
    while rig.crew.seal() {}
    (rig, shard, asked)
}

fn last_wait(asked: &Mutex<Asked>) -> Option<Duration> {
    *asked.lock().unwrap().waits.last().unwrap()
}

fn writes(asked: &Mutex<Asked>) -> usize {
    asked.lock().unwrap().writes
}

#[test]
fn a_committer_with_nothing_to_do_waits_until_it_is_woken() {
    let (mut rig, _, asked) = watched(small());
    rig.crew.committer.turn(true);
    assert_eq!(last_wait(&asked), None);
    rig.crew.committer.turn(false);
    assert_eq!(last_wait(&asked), Some(Duration::ZERO));
    assert_eq!(writes(&asked), 0);
}

#[test]
fn a_committer_that_may_not_start_more_waits_for_the_disk() {
    let (mut rig, shard, asked) = watched(small());
    asked.lock().unwrap().is_held = true;
    let depth = small().commits_in_flight_max as usize;
    let _answers: Vec<_> =
        (0..depth + 2).map(|_| rig.enqueue(shard, &[1; 12_000]).unwrap()).collect();
    rig.crew.committer.turn(true);
    assert_eq!(writes(&asked), depth, "a file's header, then commits");
    assert_eq!(last_wait(&asked), None);
}

#[test]
fn small_appends_gather_while_two_commits_are_in_flight_and_large_ones_do_not() {
    let gather_bytes = 8_000;
    let (mut rig, shard, asked) = watched(Options { gather_bytes, ..small() });
    rig.append(shard, b"a file is active").unwrap();
    asked.lock().unwrap().is_held = true;
    let before = writes(&asked);
    let mut answers = Vec::new();
    for in_flight in [1, 2, 2, 2] {
        answers.push(rig.enqueue(shard, &[1; 1_000]).unwrap());
        rig.crew.committer.turn(true);
        assert_eq!(writes(&asked), before + in_flight);
    }
    assert_ne!(last_wait(&asked), Some(Duration::ZERO), "it waits for a completion");
    answers.push(rig.enqueue(shard, &[1; 6_000]).unwrap());
    rig.crew.committer.turn(true);
    assert_eq!(writes(&asked), before + 3, "what gathered goes with it");
    answers.push(rig.enqueue(shard, &[1; 1_000]).unwrap());
    asked.lock().unwrap().is_held = false;
    for _ in 0..2 {
        rig.crew.committer.turn(true);
    }
    assert!(answers.iter_mut().all(|answer| answer.try_recv().unwrap().is_ok()));
    assert_eq!(writes(&asked), before + 4);
}

#[test]
fn a_commit_of_many_shards_is_as_large_as_it_may_be_and_no_larger() {
    // Of these sizes a frame takes all but one of the bytes that are counted for it.
    for data_bytes in (6..400).step_by(8) {
        let (mut rig, first, asked) = watched(small());
        let shards = rig.shards(300);
        rig.append(first, b"a file is active").unwrap();
        asked.lock().unwrap().largest = 0;
        let _answers: Vec<_> =
            shards.iter().map(|shard| rig.enqueue(*shard, &vec![1; data_bytes]).unwrap()).collect();
        rig.crew.commit_all();
        assert_eq!(asked.lock().unwrap().largest, small().commit_bytes_max, "{data_bytes} bytes");
    }
}

#[test]
fn a_journal_that_rests_is_marked_once_and_on_time() {
    let (mut rig, shard, asked) = watched(small());
    rig.append(shard, b"record").unwrap();
    let before = writes(&asked);
    rig.crew.committer.turn(true);
    assert_eq!(last_wait(&asked), Some(Duration::from_millis(IDLE_MARKER_AFTER_MS)));
    rig.clock.pass_ms(IDLE_MARKER_AFTER_MS - 1);
    rig.crew.committer.turn(true);
    assert_eq!((writes(&asked), last_wait(&asked)), (before, Some(Duration::from_millis(1))));
    rig.clock.pass_ms(1);
    rig.crew.committer.turn(true);
    assert_eq!((writes(&asked), last_wait(&asked)), (before + 1, None));
    rig.clock.pass_ms(DAY_MS);
    rig.crew.committer.turn(true);
    assert_eq!((writes(&asked), last_wait(&asked)), (before + 1, None));
}

#[test]
fn a_journal_does_not_rest_while_something_is_in_flight_or_waits() {
    let (mut rig, shard, asked) = watched(small());
    rig.append(shard, b"first").unwrap();
    rig.clock.pass_ms(IDLE_MARKER_AFTER_MS);
    asked.lock().unwrap().is_held = true;
    let before = writes(&asked);
    let _second = rig.enqueue(shard, b"second").unwrap();
    rig.crew.committer.turn(true);
    assert_eq!(writes(&asked), before + 1, "the append alone");

    // One that needs the next file, which is not there: it waits with nothing in flight.
    let (mut rig, shard, asked) = watched(Options { journal_files_max: 2, ..small() });
    let mut written = 0;
    loop {
        let mut answer = rig.enqueue(shard, &[1; 12_000]).unwrap();
        for _ in 0..4 {
            rig.crew.commit();
        }
        if answer.try_recv().is_err() {
            break;
        }
        written += 1;
        assert!(written < 100, "the file is full at some time");
        if written == 1 {
            while rig.crew.seal() {}
            // Takes the spare away: no file follows the first.
            drop(rig.crew.shared.slots.take_spare());
        }
    }
    let before = writes(&asked);
    rig.clock.pass_ms(IDLE_MARKER_AFTER_MS);
    rig.crew.commit();
    assert_eq!(writes(&asked), before, "no marker while an append waits");
}

#[test]
fn the_last_block_of_a_file_has_room_for_the_last_marker() {
    let (mut rig, shard, asked) = watched(small());
    // One disk block each; two blocks are kept for markers.
    let blocks = small().journal_file_bytes / DIRECT_IO_BYTES - 4;
    for _ in 0..blocks {
        rig.append(shard, b"a block").unwrap();
    }
    assert_eq!(rig.engine.status().journal_files, 1, "all of them in one file");
    rig.clock.pass_ms(IDLE_MARKER_AFTER_MS);
    rig.crew.commit();
    assert_eq!(writes(&asked), 1 + blocks + 1, "header, records, idle marker");
    rig.engine.close().unwrap();
    rig.crew.commit_until_closed();
    assert_eq!(writes(&asked), 1 + blocks + 2, "and the clean-shutdown marker");
    let rig = rig.killed(1).unwrap();
    assert!(rig.engine.recovery().is_clean);
}

#[test]
fn a_poisoned_journal_is_not_marked() {
    let (mut rig, shard, asked) = watched(small());
    rig.append(shard, b"first").unwrap();
    rig.crew.shared.poison(&std::io::Error::other("a test"));
    rig.clock.pass_ms(IDLE_MARKER_AFTER_MS);
    let before = writes(&asked);
    rig.crew.commit();
    assert_eq!(writes(&asked), before);
}

#[test]
fn a_poisoned_journal_that_is_closed_does_not_pass_for_one_that_ended_in_order() {
    let (mut rig, shard, asked) = watched(small());
    rig.append(shard, b"first").unwrap();
    rig.crew.shared.poison(&std::io::Error::other("a test"));
    let before = writes(&asked);
    rig.engine.close().unwrap();
    rig.crew.commit_until_closed();
    assert_eq!(writes(&asked), before, "no marker of a clean end");
}
