//! Disks that are ready to be damaged: what is on them, where, and what was there before.

use std::collections::BTreeMap;
use std::ops::Range;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use flowstone_engine::catalog::Transaction;
use flowstone_engine::clock::{Clock, ManualClock};
use flowstone_engine::error::Result;
use flowstone_engine::io::Disk;
use flowstone_engine::io::sim::SimDisk;
use flowstone_engine::journal::recover::file_in;
use flowstone_engine::journal::slots::slot_of;
use flowstone_engine::limits::IDLE_MARKER_AFTER_MS;
use flowstone_engine::types::{SeqNo, ShardId, Timestamp};
use flowstone_engine::{ShardSpec, take_inventory};

use crate::flips::known::Known;
use crate::fuzz::world::World;
use crate::sim::rig::{RETENTION_MS, Rig, START};

/// What is damaged is found, or not, by this much at a time.
pub const PAGE_BYTES: u64 = 4096;

/// How long the engine rests at last: enough for it to note where the journal ends.
const REST_MS: u64 = 61_000;

/// How the engine ended that left a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It was closed in order.
    Closed,
    /// The power failed while it was idle.
    PowerLost,
}

/// A part of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The file.
    pub file: String,
    /// Which of its bytes.
    pub range: Range<u64>,
}

/// Every file's bytes at one moment.
pub type Snapshot = BTreeMap<String, Vec<u8>>;

/// A disk that is ready to be damaged.
pub struct Scene {
    /// How it came to be.
    pub ending: Ending,
    /// The disk. Nobody has it open.
    pub disk: Arc<SimDisk>,
    /// The time on its machine.
    pub now: Timestamp,
    /// What must be served from it.
    pub known: Known,
    /// Every file's bytes.
    pub bytes: Snapshot,
    /// Bytes that nobody needs: damage to them must not be noticed by any client.
    pub free: Vec<Extent>,
    /// What was on the disk before, oldest first.
    pub past: Vec<Snapshot>,
}

impl Scene {
    /// Works on a fresh disk until there is something of every kind on it.
    pub fn make(ending: Ending) -> Result<Scene> {
        let disk = SimDisk::new(1);
        let mut builder = Builder { disk, acked: BTreeMap::new(), past: Vec::new(), records: 0 };
        let clock = Arc::new(ManualClock::at(START));
        let streams = make_streams(&builder.disk);
        let mut rig = Rig::open(&builder.disk, &clock, 1)?;
        let own = rig.create_shards(5)?;
        let [expiring, trimmed, closing, deleted, quiet] = own[..] else {
            unreachable!("five shards were asked for")
        };
        let live: Vec<_> = streams.iter().copied().chain([trimmed, closing, quiet]).collect();

        builder.put(&mut rig, &[expiring, deleted], 3)?;
        rig = builder.reopen_and_seal(rig, &clock)?;
        clock.pass_ms(RETENTION_MS + 1);
        rig.crew.compact();
        builder.acked.insert(expiring, (SeqNo(3), Vec::new()));

        builder.put(&mut rig, &live, 4)?;
        rig = builder.reopen_and_seal(rig, &clock)?;
        builder.trim(&rig, trimmed, SeqNo(2))?;

        builder.put(&mut rig, &live, 2)?;
        rig = builder.reopen_and_seal(rig, &clock)?;
        let child = builder.split(&mut rig, closing)?;
        rig.engine.delete_shards(&[deleted], Transaction::new())?;
        builder.acked.remove(&deleted);
        rig.crew.compact();
        builder.remember();

        let open: Vec<_> = streams.iter().copied().chain([trimmed, quiet, child]).collect();
        for _ in 0..2 {
            builder.put(&mut rig, &open, 1)?;
            builder.remember();
        }
        builder.trim(&rig, quiet, SeqNo(1))?;
        builder.end(rig, &clock, ending)
    }

    /// Whether nobody needs `range` of `file`.
    #[must_use]
    pub fn is_free(&self, file: &str, range: &Range<u64>) -> bool {
        self.free.iter().any(|free| {
            free.file == file && free.range.start <= range.start && range.end <= free.range.end
        })
    }

    /// A copy of the disk that can be damaged.
    #[must_use]
    pub fn copy(&self) -> Arc<SimDisk> {
        self.disk.kill()
    }

    /// Opens what is on `disk`.
    pub fn open(&self, disk: &Arc<SimDisk>, seed: u64) -> Result<Rig> {
        Rig::open(disk, &Arc::new(ManualClock::at(self.now)), seed)
    }
}

/// Streams of the server, for its rows in the catalog. Answers their shards.
fn make_streams(disk: &Arc<SimDisk>) -> Vec<ShardId> {
    let world = World::open(disk).expect("an empty disk has no faults");
    world.create_stream("demo", 2).into_iter().chain(world.create_stream("other", 1)).collect()
}

struct Builder {
    disk: Arc<SimDisk>,
    /// Of each shard the first record that is kept, and the records.
    acked: BTreeMap<ShardId, (SeqNo, Vec<Vec<u8>>)>,
    past: Vec<Snapshot>,
    records: u64,
}

impl Builder {
    /// Puts `count` records into each of `shards`, each batch in a commit with the others'.
    fn put(&mut self, rig: &mut Rig, shards: &[ShardId], count: u64) -> Result<()> {
        for _ in 0..count {
            let mut answers = Vec::new();
            for shard in shards {
                self.records += 1;
                let data = format!("{shard}/{}/{}", self.records, "flip".repeat(30)).into_bytes();
                answers.push((*shard, data.clone(), rig.enqueue(*shard, &[data])?));
            }
            rig.crew.commit_all();
            for (shard, data, mut answer) in answers {
                answer().expect("the commit is over")?;
                self.acked.entry(shard).or_default().1.push(data);
            }
            rig.clock.pass_ms(10);
        }
        Ok(())
    }

    /// Starts the engine anew, so that all that is in the journal can be sealed.
    fn reopen_and_seal(&mut self, rig: Rig, clock: &Arc<ManualClock>) -> Result<Rig> {
        drop(rig);
        self.remember();
        let mut rig = Rig::open(&self.disk, clock, self.records)?;
        while rig.crew.seal() {}
        self.remember();
        Ok(rig)
    }

    fn trim(&mut self, rig: &Rig, shard: ShardId, before: SeqNo) -> Result<()> {
        self.remember();
        rig.engine.trim(shard, before, Transaction::new())?;
        let (first, records) = self.acked.entry(shard).or_default();
        let gone = usize::try_from(before.0 - first.0).expect("scenes are small");
        records.drain(..gone);
        *first = before;
        Ok(())
    }

    /// Closes `parent` for one other shard.
    fn split(&mut self, rig: &mut Rig, parent: ShardId) -> Result<ShardId> {
        let mut closing = rig.engine.close_shards(&[parent])?;
        rig.crew.commit_all();
        let is_settled = {
            let settled = pin!(closing.settled());
            settled.poll(&mut Context::from_waker(Waker::noop())).is_ready()
        };
        assert!(is_settled, "nothing is on its way to the shard");
        let specs = [ShardSpec { retention_ms: RETENTION_MS }];
        let made = closing.commit(&specs, |_, _, _| ())?;
        Ok(made[0])
    }

    /// Keeps what is on the disk, for stale blocks.
    fn remember(&mut self) {
        self.past.push(snapshot(&self.disk.crash(0)));
    }

    fn end(mut self, mut rig: Rig, clock: &Arc<ManualClock>, ending: Ending) -> Result<Scene> {
        // The journal rests, and so does the catalog: both say how far they were durable.
        clock.pass_ms(IDLE_MARKER_AFTER_MS);
        rig.crew.commit_all();
        clock.pass_ms(REST_MS);
        rig.crew.compact();
        rig.crew.compact();
        let disk = match ending {
            Ending::Closed => {
                rig.engine.close()?;
                rig.crew.commit_until_closed();
                drop(rig);
                self.disk.crash(0)
            }
            Ending::PowerLost => self.disk.crash(0),
        };
        let shared: Arc<dyn Disk> = disk.clone();
        let bytes = snapshot(&disk);
        self.past.retain(|past| *past != bytes);
        let now = clock.wall();
        let whole = Rig::open(&disk.kill(), &Arc::new(ManualClock::at(now)), 1)?;
        let known = Known::of(&whole, self.acked)?;
        let sealed_upto = take_inventory(whole.engine.catalog())?.sealed_upto;
        drop(whole);
        let mut free = Vec::new();
        for (name, file) in &bytes {
            let slot = name.strip_prefix("journal/").and_then(slot_of);
            let holds = slot.map(|slot| file_in(&shared, slot)).transpose()?.flatten();
            let is_sealed = slot.is_some() && holds.is_none_or(|holds| holds <= sealed_upto);
            let is_spare = name == "reserve" || name == "lock";
            for page in free_pages(file, is_sealed || is_spare) {
                free.push(Extent { file: name.clone(), range: page });
            }
        }
        Ok(Scene { ending, disk, now, known, bytes, free, past: self.past })
    }
}

/// The pages of `file` that nobody needs: those that were never written, or all of them.
fn free_pages(file: &[u8], is_all: bool) -> Vec<Range<u64>> {
    let mut free: Vec<Range<u64>> = Vec::new();
    for (page, bytes) in file.chunks(4096).enumerate() {
        let start = page as u64 * PAGE_BYTES;
        let end = start + bytes.len() as u64;
        if is_all || bytes.iter().all(|byte| *byte == 0) {
            match free.last_mut().filter(|last| last.end == start) {
                Some(last) => last.end = end,
                None => free.push(start..end),
            }
        }
    }
    free
}

fn snapshot(disk: &SimDisk) -> Snapshot {
    let names = disk.file_names();
    names.into_iter().filter_map(|name| Some((name.clone(), disk.read_raw(&name)?))).collect()
}
