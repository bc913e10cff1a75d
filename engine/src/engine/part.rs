//! What one shard has in a commit, and who waits for it.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::engine::Appended;
use crate::engine::queue::Append;
use crate::error::{Error, ErrorKind, Result};
use crate::frame::Frame;
use crate::shard::{ShardLog, Taken};

/// What one shard has in a commit.
pub(super) struct Part {
    pub(super) shard: Arc<ShardLog>,
    pub(super) frame: Frame,
    waiters: Vec<Waiter>,
}

/// Somebody who waits for a commit.
struct Waiter {
    reply: Option<oneshot::Sender<Result<Appended>>>,
    appended: Appended,
    _permit: OwnedSemaphorePermit,
    /// Dropped after the commit was published, or refused.
    _taken: Taken,
}

/// The appends of one shard that go into one commit.
pub(super) struct Group {
    pub(super) shard: Arc<ShardLog>,
    pub(super) appends: Vec<Append>,
}

/// What became of a group: its appends' records are in the frame, one append behind the other.
pub(super) fn part((group, frame): (Group, Frame)) -> Part {
    let mut first_seq = frame.header().first_seq;
    let arrival = frame.header().arrival;
    let waiters = group
        .appends
        .into_iter()
        .map(|append| {
            let count = append.batch.count();
            let appended = Appended { first_seq, count, arrival };
            first_seq = first_seq.plus(u64::from(count));
            Waiter {
                reply: Some(append.reply),
                appended,
                _permit: append.permit,
                _taken: append.taken,
            }
        })
        .collect();
    Part { shard: group.shard, frame, waiters }
}

/// Lets readers see the frames.
pub(super) fn publish(parts: &[Part]) {
    for part in parts {
        part.shard.publish(part.frame.clone());
    }
}

/// Tells those who wait where their records are.
pub(super) fn acknowledge(parts: &mut [Part]) {
    for waiter in parts.iter_mut().flat_map(|part| &mut part.waiters) {
        if let Some(reply) = waiter.reply.take() {
            let _ = reply.send(Ok(waiter.appended));
        }
    }
}

/// Tells those who wait that it failed.
pub(super) fn refuse(parts: Vec<Part>, error: &Error) {
    debug_assert_eq!(error.kind(), ErrorKind::Poisoned);
    for waiter in parts.into_iter().flat_map(|part| part.waiters) {
        if let Some(reply) = waiter.reply {
            let _ = reply.send(Err(error.clone()));
        }
    }
}
