//! Appends on their way to the committer: bounded in bytes, first come, first served.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::engine::Appended;
use crate::error::{Error, ErrorKind, Result};
use crate::frame::{Batch, FRAME_HEADER_BYTES};
use crate::io::Wake;
use crate::shard::{ShardLog, Taken};

/// A batch that waits for its commit.
pub(super) struct Append {
    pub(super) batch: Batch,
    pub(super) reply: oneshot::Sender<Result<Appended>>,
    /// Gives the bytes back when dropped.
    pub(super) permit: OwnedSemaphorePermit,
    /// Where it goes. Tells the shard when dropped that this append is settled.
    pub(super) taken: Taken,
}

/// The queue.
pub(super) struct AppendQueue {
    pending: Mutex<Pending>,
    room: Arc<Semaphore>,
    room_bytes: usize,
    /// Set while the committer waits for work: pushing must wake it.
    wants_wake: AtomicBool,
    waker: Arc<dyn Wake>,
}

#[derive(Default)]
struct Pending {
    appends: VecDeque<Append>,
    payload_bytes: usize,
    closed: Option<Error>,
}

impl AppendQueue {
    pub(super) fn new(room_bytes: usize, waker: Arc<dyn Wake>) -> AppendQueue {
        AppendQueue {
            pending: Mutex::default(),
            room: Arc::new(Semaphore::new(room_bytes)),
            room_bytes,
            wants_wake: AtomicBool::new(false),
            waker,
        }
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().expect("no code panics while it holds the queue")
    }

    /// Bytes that wait.
    pub(super) fn bytes(&self) -> usize {
        self.room_bytes - self.room.available_permits().min(self.room_bytes)
    }

    /// Waits for room, then queues the batch. The receiver is told how it ended.
    pub(super) async fn push(
        &self,
        shard: &Arc<ShardLog>,
        batch: Batch,
    ) -> Result<oneshot::Receiver<Result<Appended>>> {
        let bytes = (batch.payload().len() + FRAME_HEADER_BYTES).min(self.room_bytes);
        let bytes = u32::try_from(bytes).expect("payloads are bounded");
        let room = Arc::clone(&self.room).acquire_many_owned(bytes).await;
        let Ok(permit) = room else {
            return Err(self.pending().closed.clone().unwrap_or_else(closed));
        };
        let (reply, answer) = oneshot::channel();
        {
            let mut pending = self.pending();
            if let Some(error) = &pending.closed {
                return Err(error.clone());
            }
            // ORDER: what came in before the shard began to close is in the queue before anybody
            // can find that nothing is on its way.
            let taken = shard.enter()?;
            pending.payload_bytes += batch.payload().len();
            pending.appends.push_back(Append { batch, reply, permit, taken });
        }
        if self.wants_wake.swap(false, Ordering::SeqCst) {
            self.waker.wake();
        }
        Ok(answer)
    }

    /// Looks at the append that is next, and takes it if `wanted` says so.
    pub(super) fn pop_if(&self, wanted: impl FnOnce(&Append) -> bool) -> Option<Append> {
        let mut pending = self.pending();
        let taken = pending.appends.pop_front_if(|append| wanted(append))?;
        pending.payload_bytes -= taken.batch.payload().len();
        Some(taken)
    }

    /// Bytes of payload of all that waits.
    pub(super) fn payload_bytes(&self) -> usize {
        self.pending().payload_bytes
    }

    /// Bytes of payload of the append that is next.
    pub(super) fn next_bytes(&self) -> Option<usize> {
        self.pending().appends.front().map(|append| append.batch.payload().len())
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.pending().appends.is_empty()
    }

    /// Asks to be woken by the next push; false when something is there already.
    pub(super) fn arm(&self) -> bool {
        self.wants_wake.store(true, Ordering::SeqCst);
        self.is_empty()
    }

    /// Answers everything that waits with `error`; later pushes go on.
    pub(super) fn fail_all(&self, error: &Error) {
        let appends = {
            let mut pending = self.pending();
            pending.payload_bytes = 0;
            std::mem::take(&mut pending.appends)
        };
        for append in appends {
            let _ = append.reply.send(Err(error.clone()));
        }
    }

    /// Refuses pushes from now on with `error`. What waits stays.
    pub(super) fn close(&self, error: Error) {
        self.pending().closed.get_or_insert(error);
        self.room.close();
        self.waker.wake();
    }

    /// Whether pushes are refused.
    pub(super) fn is_closed(&self) -> bool {
        self.pending().closed.is_some()
    }

    /// Wakes the committer for another reason than a push.
    pub(super) fn wake(&self) {
        self.waker.wake();
    }
}

/// The error of appends to an engine that was closed.
pub(super) fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the engine is closed")
}
