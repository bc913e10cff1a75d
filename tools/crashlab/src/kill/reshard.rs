//! One who splits, merges and scales a stream at random while others write to it.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;

use crate::kill::ledger::{Ledger, Shard};
use crate::kill::progress::Progress;
use crate::kinesis::{Client, Failure, ListedShard};
use crate::random::Random;

/// Records that the writers put between two changes, at most.
const RECORDS_BETWEEN_MAX: u64 = 1000;
/// Open shards at least and at most.
const OPEN_MIN: usize = 2;
const OPEN_MAX: usize = 8;

/// The resharder at work.
pub struct Resharder {
    progress: Arc<Progress>,
    thread: JoinHandle<(Changes, Option<Failure>)>,
}

/// What was answered.
#[derive(Debug, Default)]
struct Changes {
    count: u64,
    closed: BTreeSet<Shard>,
}

impl Resharder {
    /// Starts to change `stream`.
    #[must_use]
    pub fn start(
        server: SocketAddr,
        stream: &str,
        progress: &Arc<Progress>,
        random: &mut Random,
    ) -> Resharder {
        let mut worker = Worker {
            client: Client::new(server),
            stream: stream.to_owned(),
            random: Random::new(random.bits()),
            changes: Changes::default(),
        };
        let progress = Arc::clone(progress);
        let thread = {
            let progress = Arc::clone(&progress);
            std::thread::spawn(move || {
                let failure = worker.work(&progress).err();
                (worker.changes, failure)
            })
        };
        Resharder { progress, thread }
    }

    /// Waits for the request under way, which may fail, and adds to `ledger` what was answered.
    /// Answers the refusal, if there was one.
    pub fn finish(self, ledger: &mut Ledger) -> Option<Failure> {
        self.progress.end();
        let (changes, failure) =
            self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        ledger.changes += changes.count;
        ledger.closed.extend(changes.closed);
        failure.filter(Failure::is_refusal)
    }
}

struct Worker {
    client: Client,
    stream: String,
    random: Random,
    changes: Changes,
}

impl Worker {
    /// Changes shards until a request fails or the round is over.
    fn work(&mut self, progress: &Progress) -> Result<(), Failure> {
        loop {
            let next = progress.acknowledged() + 1 + self.random.below(RECORDS_BETWEEN_MAX);
            let _ = progress.wait_for(next, || false);
            if progress.is_over() {
                return Ok(());
            }
            self.change()?;
        }
    }

    fn change(&mut self) -> Result<(), Failure> {
        let mut open = Vec::new();
        for shard in self.client.list_shards(&self.stream)? {
            if !shard.is_closed() {
                open.push((shard.hashes()?, shard));
            }
        }
        open.sort_by_key(|(hashes, _)| *hashes);
        let at = |random: &mut Random, len| usize::try_from(random.below(len as u64)).unwrap_or(0);
        match self.random.below(3) {
            0 if open.len() < OPEN_MAX => {
                let ((first, last), shard) = open.swap_remove(at(&mut self.random, open.len()));
                self.split(first, last, &shard)?;
            }
            1 if open.len() > OPEN_MIN => {
                let left = at(&mut self.random, open.len() - 1);
                let (shard, adjacent) = (&open[left].1.shard_id, &open[left + 1].1.shard_id);
                self.client.merge_shards(&self.stream, shard, adjacent)?;
                self.note(&[shard, adjacent]);
            }
            2 => {
                let lowest = open.len().div_ceil(2).max(OPEN_MIN);
                let highest = (open.len() * 2).min(OPEN_MAX);
                let target = lowest + at(&mut self.random, highest - lowest + 1);
                self.client.update_shard_count(&self.stream, target)?;
                self.changes.count += 1;
            }
            _ => {}
        }
        Ok(())
    }

    fn split(&mut self, first: u128, last: u128, shard: &ListedShard) -> Result<(), Failure> {
        let part = (last - first) / 64;
        // A shard too narrow for a random part is left as it is.
        if part == 0 {
            return Ok(());
        }
        let at = first + part * u128::from(1 + self.random.below(62));
        self.client.split_shard(&self.stream, &shard.shard_id, at)?;
        self.note(&[&shard.shard_id]);
        Ok(())
    }

    fn note(&mut self, closed: &[&String]) {
        self.changes.count += 1;
        self.changes.closed.extend(
            closed
                .iter()
                .map(|shard| Shard { stream: self.stream.clone(), shard: (*shard).clone() }),
        );
    }
}
