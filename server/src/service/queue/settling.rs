//! Appends to a delivery log that are not durable yet, and what is known once they are.
//!
//! Memory is ahead of the log while there are any. When one of them fails, memory stays ahead: the
//! queue is then read anew from its log, once no append is under way any more.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use flowstone_engine::Appended;
use flowstone_engine::error::{Error, ErrorKind, Result};
use flowstone_engine::types::SeqNo;
use tokio::sync::{Notify, oneshot};

use crate::planted::{Bug, is_planted};

type Answer = oneshot::Receiver<Result<Appended>>;

/// The appends of one queue.
#[derive(Debug, Default)]
pub(super) struct Settling {
    inner: Mutex<Inner>,
    /// Told when an append is no longer under way.
    settled: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    next: u64,
    under_way: BTreeSet<u64>,
    /// Answers that nobody waits for: their callers went away.
    orphans: Vec<Orphan>,
    has_failed: bool,
    /// The newest snapshot's head, once it is durable: its append, and its place.
    head: Option<(u64, SeqNo)>,
}

#[derive(Debug)]
struct Orphan {
    number: u64,
    is_head: bool,
    answer: Answer,
}

/// An append under way. Wait for [`Ticket::settled`]; when it is dropped before, its end is still
/// found out.
#[derive(Debug)]
pub(super) struct Ticket {
    number: u64,
    is_head: bool,
    answer: Option<Answer>,
    settling: Arc<Settling>,
}

impl Ticket {
    /// Resolves when the append is durable, or has failed.
    pub(super) async fn settled(mut self) -> Result<()> {
        if is_planted(Bug::AnswerBeforeDurable) {
            return Ok(());
        }
        let Some(answer) = &mut self.answer else { return Ok(()) };
        let result = answer.await.unwrap_or_else(|_| Err(lost()));
        self.answer = None;
        self.settling.lock().note(self.number, self.is_head, &result);
        self.settling.settled.notify_waiters();
        result.map(|_| ())
    }

    /// Its number: appends are numbered as they are queued.
    pub(super) fn number(&self) -> u64 {
        self.number
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(answer) = self.answer.take() {
            let Ticket { number, is_head, .. } = *self;
            self.settling.lock().orphans.push(Orphan { number, is_head, answer });
            self.settling.settled.notify_waiters();
        }
    }
}

impl Settling {
    /// Notes an append that was queued; with `is_head`, its first record is a snapshot's head.
    pub(super) fn queued(self: &Arc<Self>, answer: Answer, is_head: bool) -> Ticket {
        let mut inner = self.lock();
        let number = inner.next;
        inner.next += 1;
        inner.under_way.insert(number);
        drop(inner);
        Ticket { number, is_head, answer: Some(answer), settling: Arc::clone(self) }
    }

    /// Notes that memory is ahead of the log for good.
    pub(super) fn fail(&self) {
        self.lock().has_failed = true;
    }

    /// Whether memory is ahead of the log for good, as far as is known.
    pub(super) fn has_failed(&self) -> bool {
        self.sweep();
        self.lock().has_failed && !is_planted(Bug::IgnoreFailedAppend)
    }

    /// Where the snapshot whose head and last chunk were those appends begins, if all of it, and
    /// everything before, is durable.
    pub(super) fn snapshot_start(&self, head: u64, last: u64) -> Option<SeqNo> {
        self.sweep();
        let inner = self.lock();
        let is_durable = is_planted(Bug::TrimToUnfinishedSnapshot)
            || inner.under_way.first().is_none_or(|first| *first > last);
        let (number, start) = inner.head.filter(|_| is_durable && !inner.has_failed)?;
        (number == head).then_some(start)
    }

    /// Resolves when nothing is under way. Nothing may be queued meanwhile.
    pub(super) async fn quiet(self: &Arc<Self>) {
        loop {
            let told = self.settled.notified();
            let mut told = std::pin::pin!(told);
            told.as_mut().enable();
            let orphan = {
                let mut inner = self.lock();
                if inner.under_way.is_empty() {
                    return;
                }
                inner.orphans.pop()
            };
            match orphan {
                // As a ticket again, so that it is not lost when this future is dropped.
                Some(Orphan { number, is_head, answer }) => {
                    let settling = Arc::clone(self);
                    let ticket = Ticket { number, is_head, answer: Some(answer), settling };
                    let _ = ticket.settled().await;
                }
                None => told.await,
            }
        }
    }

    /// Begins anew after the log was read again.
    pub(super) fn reset(&self) {
        let mut inner = self.lock();
        inner.has_failed = false;
        inner.head = None;
    }

    /// Looks at the answers that nobody waits for.
    fn sweep(&self) {
        let mut inner = self.lock();
        let mut ended = Vec::new();
        inner.orphans.retain_mut(|orphan| {
            let result = match orphan.answer.try_recv() {
                Err(oneshot::error::TryRecvError::Empty) => return true,
                Ok(result) => result,
                Err(oneshot::error::TryRecvError::Closed) => Err(lost()),
            };
            ended.push((orphan.number, orphan.is_head, result));
            false
        });
        for (number, is_head, result) in ended {
            inner.note(number, is_head, &result);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Every change is whole before anything can panic.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn note(&mut self, number: u64, is_head: bool, result: &Result<Appended>) {
        self.under_way.remove(&number);
        match result {
            Ok(appended) if is_head => self.head = Some((number, appended.first_seq)),
            Ok(_) => {}
            Err(_) => self.has_failed = true,
        }
    }
}

fn lost() -> Error {
    Error::new(ErrorKind::Closed, "the engine ended before an append to a delivery log")
}
