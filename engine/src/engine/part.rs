//! What a commit is made of, and who waits for it.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::engine::Appended;
use crate::engine::queue::Append;
use crate::error::{Error, ErrorKind};
use crate::frame::{Batch, Frame};
use crate::shard::{ShardLog, Taken};
use crate::types::SeqNo;

/// The appends that go into one commit, in the order of their shards' frames.
///
/// PERF: flat, not a list a shard: ten thousand shards in a commit would be as many lists to make
/// and to let go.
pub(super) struct Gathered {
    /// The token that the commit will have.
    commit: u64,
    /// A frame each.
    pub(super) shards: Vec<Destination>,
    /// Each with its shard's place among `shards`.
    appends: Vec<(usize, Append)>,
}

/// A shard that has a frame in a commit.
pub(super) struct Destination {
    pub(super) log: Arc<ShardLog>,
    pub(super) high_watermark: SeqNo,
}

impl Gathered {
    /// Nothing yet, for the commit with that token, which no other commit has.
    pub(super) fn new(commit: u64) -> Gathered {
        Gathered { commit, shards: Vec::new(), appends: Vec::new() }
    }

    /// Which frame an append to `log` goes into: one that is there, or the next one.
    pub(super) fn place_of(&self, log: &ShardLog) -> usize {
        log.head().place_in(self.commit).unwrap_or(self.shards.len())
    }

    /// Adds an append to the frame at `place`. `Err` is why its shard takes none, and the append.
    pub(super) fn push(&mut self, place: usize, append: Append) -> Result<(), (Error, Append)> {
        let log = append.taken.log();
        if place == self.shards.len() {
            match log.check_writable() {
                Ok(high_watermark) => {
                    log.head().place = Some((self.commit, place));
                    self.shards.push(Destination { log: Arc::clone(log), high_watermark });
                }
                Err(error) => return Err((error, append)),
            }
        }
        assert!(Arc::ptr_eq(&self.shards[place].log, log), "a frame has one shard's records");
        self.appends.push((place, append));
        Ok(())
    }

    /// Brings appends of one shard together. They stay in the order in which they came.
    pub(super) fn sort(&mut self) {
        self.appends.sort_by_key(|(place, _)| *place);
    }

    /// All batches, one behind the other.
    pub(super) fn batches(&self) -> Vec<&Batch> {
        self.appends.iter().map(|(_, append)| &append.batch).collect()
    }

    /// How many of the batches are of each shard.
    pub(super) fn counts(&self) -> impl Iterator<Item = usize> {
        self.appends.chunk_by(|(one, _), (other, _)| one == other).map(<[_]>::len)
    }
}

/// What one shard has in a commit.
pub(super) struct Part {
    shard: Arc<ShardLog>,
    frame: Frame,
}

/// Somebody who waits for a commit.
struct Waiter {
    reply: Option<oneshot::Sender<Result<Appended, Error>>>,
    appended: Appended,
    _permit: OwnedSemaphorePermit,
    /// Dropped after the commit was published, or refused.
    _taken: Taken,
}

/// What becomes known when a commit is settled, and to whom. Empty for markers.
#[derive(Default)]
pub(super) struct Parts {
    parts: Vec<Part>,
    waiters: Vec<Waiter>,
}

impl Parts {
    /// What became of `gathered`: the records of a shard's appends are in its frame, one append
    /// behind the other.
    pub(super) fn new(gathered: Gathered, frames: Vec<Frame>) -> Parts {
        let Gathered { shards, appends, .. } = gathered;
        let mut next_seqs: Vec<_> = frames.iter().map(|frame| frame.header().first_seq).collect();
        let waiters = appends.into_iter().map(|(place, append)| {
            let (first_seq, count) = (next_seqs[place], append.batch.count());
            next_seqs[place] = first_seq.plus(u64::from(count));
            Waiter {
                reply: Some(append.reply),
                appended: Appended { first_seq, count, arrival: frames[place].header().arrival },
                _permit: append.permit,
                _taken: append.taken,
            }
        });
        let waiters = waiters.collect();
        let shards = shards.into_iter().map(|shard| shard.log);
        let parts = shards.zip(frames).map(|(shard, frame)| Part { shard, frame });
        Parts { parts: parts.collect(), waiters }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiters.is_empty()
    }

    /// Lets readers see the frames.
    pub(super) fn publish(&mut self) {
        for part in self.parts.drain(..) {
            part.shard.publish(part.frame);
        }
    }

    /// Tells those who wait where their records are.
    pub(super) fn acknowledge(&mut self) {
        for waiter in &mut self.waiters {
            if let Some(reply) = waiter.reply.take() {
                let _ = reply.send(Ok(waiter.appended));
            }
        }
    }

    /// Tells those who wait that it failed.
    pub(super) fn refuse(self, error: &Error) {
        debug_assert_eq!(error.kind(), ErrorKind::Poisoned);
        for waiter in self.waiters {
            if let Some(reply) = waiter.reply {
                let _ = reply.send(Err(error.clone()));
            }
        }
    }
}
