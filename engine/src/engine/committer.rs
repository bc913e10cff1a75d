//! The one owner of the journal: drains the queue, writes commits, acknowledges them in order.
//!
//! ```text
//!   queue --start--> in flight (at most N, oldest first) --settle, in order--> published, told
//! ```
//!
//! While commits are in flight the queue gathers the next one: group commit without timers.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;

use crate::engine::part::{Gathered, Parts};
use crate::engine::shared::Shared;
use crate::frame::FrameKind;
use crate::io::{CommitRing, Completion, DIRECT_IO_BYTES, DurableWrite, File};
use crate::journal::commit::{Entry, Predecessor, commit_bytes_at_most, encode};
use crate::journal::header::{COMMITS_BEGIN, FileHeader};
use crate::journal::image::ImageWriter;
use crate::journal::slots::Waiting;
use crate::limits::{IDLE_MARKER_AFTER_MS, SMALL_COMMITS_IN_FLIGHT_MAX};
use crate::planted::{Bug, is_planted};
use crate::types::{Epoch, FileSeq, JournalPosition, Salt, SeqNo, ShardId};

/// Bytes at a file's end that only markers may use.
pub(super) const MARKER_RESERVE_BYTES: usize = 2 * DIRECT_IO_BYTES;

/// The file that commits go to.
struct Active {
    slot: u32,
    file: Arc<dyn File>,
    header: FileHeader,
    image: ImageWriter,
    predecessor: Predecessor,
    shards: Vec<ShardId>,
}

/// A commit that is being written.
struct InFlight {
    token: u64,
    end: JournalPosition,
    parts: Parts,
    result: Option<io::Result<()>>,
}

/// The committer.
pub(super) struct Committer {
    shared: Arc<Shared>,
    ring: Box<dyn CommitRing>,
    active: Option<Active>,
    in_flight: VecDeque<InFlight>,
    completions: Vec<Completion>,
    next_token: u64,
    newest_file: FileSeq,
    /// Behind the last commit that was started.
    end: JournalPosition,
    /// Everything below is durable.
    durable: JournalPosition,
    /// When the last commit of records ended, if no marker was written since.
    rested_since_ms: Option<u64>,
    is_finished: bool,
}

impl Committer {
    /// A committer that goes on behind `end`, in a new file.
    pub(super) fn new(
        shared: Arc<Shared>,
        ring: Box<dyn CommitRing>,
        newest_file: FileSeq,
        end: JournalPosition,
    ) -> Committer {
        Committer {
            shared,
            ring,
            active: None,
            in_flight: VecDeque::new(),
            completions: Vec::new(),
            next_token: 0,
            newest_file,
            end,
            durable: end,
            rested_since_ms: None,
            is_finished: false,
        }
    }

    /// Starts what can be started and settles what has completed; blocks for news if `may_block`.
    /// False when there is nothing left to do ever.
    pub(super) fn turn(&mut self, may_block: bool) -> bool {
        let wants_work = self.start_commits();
        self.mark_idle();
        if self.finish_if_closed() {
            return false;
        }
        let has_work = wants_work && !self.shared.queue.arm();
        let timeout =
            if has_work || !may_block { Some(Duration::ZERO) } else { self.idle_timeout() };
        let mut completions = std::mem::take(&mut self.completions);
        self.ring.wait(timeout, &mut completions);
        for completion in completions.drain(..) {
            self.note(completion);
        }
        self.completions = completions;
        self.settle();
        true
    }

    /// Whether neither the queue nor the ring has anything for this committer.
    #[cfg(feature = "testing")]
    pub(super) fn is_idle(&self) -> bool {
        self.in_flight.is_empty() && self.shared.queue.is_empty()
    }

    fn depth(&self) -> usize {
        self.shared.options.commits_in_flight_max as usize
    }

    /// Whether appends wait for a journal file rather than for the disk.
    fn is_stalled(&self) -> bool {
        self.active.is_none() && self.in_flight.is_empty()
    }

    /// Starts commits while it may. Says whether a push would find it ready to start another.
    fn start_commits(&mut self) -> bool {
        while self.in_flight.len() < self.depth() && !self.shared.is_poisoned() {
            if self.shared.queue.is_empty() {
                return true;
            }
            if self.gathers() {
                return false;
            }
            if !self.make_room() {
                // Refused appends leave nothing behind: the next one must wake us to be refused.
                return self.shared.queue.is_empty();
            }
            // The header of a new file is in flight too.
            if self.in_flight.len() == self.depth() {
                return false;
            }
            let gathered = self.gather();
            if !gathered.shards.is_empty() {
                self.start(gathered);
            }
        }
        false
    }

    /// Whether what waits is too little for a commit while others are in flight: the next completion
    /// finds more.
    fn gathers(&self) -> bool {
        self.in_flight.len() >= SMALL_COMMITS_IN_FLIGHT_MAX
            && self.shared.queue.payload_bytes() < self.shared.options.gather_bytes
    }

    /// Makes sure that the next append fits into the active file. False when it has to wait.
    fn make_room(&mut self) -> bool {
        let Some(bytes) = self.shared.queue.next_bytes() else { return false };
        let needed = commit_bytes_at_most(1, bytes) + MARKER_RESERVE_BYTES;
        if self.active.as_ref().is_some_and(|active| needed <= active.image.remaining()) {
            return true;
        }
        // ORDER: the next file's header says that this file is durable up to its end.
        if !self.in_flight.is_empty() {
            return false;
        }
        if let Some(full) = self.active.take() {
            let waiting = Waiting {
                slot: full.slot,
                file: full.header.file,
                image: full.image,
                shards: full.shards,
                is_damaged: false,
            };
            self.shared.slots.push_waiting(waiting, self.shared.clock.monotonic_ms());
            self.shared.wake_sealer();
        }
        self.activate()
    }

    /// Begins the next file. False when there is none to be had.
    fn activate(&mut self) -> bool {
        let Some(mut spare) = self.shared.slots.take_spare() else {
            if let Some(error) = self.shared.slots.blocked() {
                self.shared.queue.fail_all(&error);
            }
            return false;
        };
        self.shared.wake_sealer();
        let Some(next) = self.newest_file.0.checked_add(1) else {
            self.poison(&io::Error::other("journal file numbers are used up"));
            return false;
        };
        self.newest_file = FileSeq(next);
        let header = FileHeader {
            salt: Salt(self.shared.entropy.bits()),
            file: self.newest_file,
            file_bytes: u32::try_from(spare.image.remaining()).expect("options are checked"),
            previous_end: self.end,
            began: self.shared.clock.wall(),
        };
        let (bytes, ()) = spare.image.write(COMMITS_BEGIN, |out| header.encode_into(out));
        self.active = Some(Active {
            slot: spare.slot,
            file: spare.file,
            header,
            image: spare.image,
            predecessor: Predecessor::default(),
            shards: Vec::new(),
        });
        self.durable = JournalPosition::new(header.file, 0);
        self.submit(0, bytes, Parts::default());
        true
    }

    /// Takes from the queue what goes into the next commit.
    fn gather(&mut self) -> Gathered {
        let mut gathered = Gathered::new(self.next_token);
        let Some(active) = &self.active else { return gathered };
        let room = active.image.remaining() - MARKER_RESERVE_BYTES;
        let commit_bytes_max = self.shared.options.commit_bytes_max.min(room);
        let mut payload_bytes = 0;
        let mut refused = Vec::new();
        loop {
            let frames = gathered.shards.len();
            let mut place = frames;
            let taken = self.shared.queue.pop_if(|append| {
                place = gathered.place_of(append.taken.log());
                let frames = frames + usize::from(place == frames);
                let bytes =
                    commit_bytes_at_most(frames, payload_bytes + append.batch.payload().len());
                bytes <= commit_bytes_max || (gathered.shards.is_empty() && bytes <= room)
            });
            let Some(append) = taken else { break };
            let bytes = append.batch.payload().len();
            match gathered.push(place, append) {
                Ok(()) => payload_bytes += bytes,
                Err(because) => refused.push(because),
            }
        }
        for (error, append) in refused {
            let _ = append.reply.send(Err(error));
        }
        gathered.sort();
        gathered
    }

    /// Assigns sequence numbers and times, encodes the commit and starts its write.
    fn start(&mut self, gathered: Gathered) {
        let now = self.shared.retention.arrival();
        let active = self.active.as_mut().expect("gathered for the active file");
        let batches = gathered.batches();
        let mut rest = &batches[..];
        let mut entries = Vec::with_capacity(gathered.shards.len());
        for (shard, appends) in gathered.shards.iter().zip(gathered.counts()) {
            let batches;
            (batches, rest) = rest.split_at(appends);
            let mut head = shard.log.head();
            let count: u64 = batches.iter().map(|batch| u64::from(batch.count())).sum();
            let first_seq = head.next_seq;
            // A clock that steps back does not take arrival times with it.
            head.arrival = head.arrival.max(now);
            head.next_seq = head.next_seq.plus(count);
            if head.file != active.header.file {
                head.file = active.header.file;
                active.shards.push(shard.log.id());
            }
            entries.push(Entry {
                shard: shard.log.id(),
                first_seq,
                epoch: shard.log.epoch(),
                arrival: head.arrival,
                high_watermark: shard.high_watermark,
                batches,
                kind: FrameKind::Records,
            });
        }
        let encoded = encode(
            &mut active.image,
            &active.header,
            self.durable,
            &mut active.predecessor,
            &entries,
        );
        drop(entries);
        drop(batches);
        self.submit(encoded.offset, encoded.bytes, Parts::new(gathered, encoded.frames));
    }

    fn submit(&mut self, offset: u32, bytes: Bytes, mut parts: Parts) {
        let active = self.active.as_ref().expect("commits go to the active file");
        let length = u32::try_from(bytes.len()).expect("journal files are bounded");
        let end = JournalPosition::new(active.header.file, offset + length);
        if is_planted(Bug::AckBeforeFlush) {
            parts.acknowledge();
        }
        if is_planted(Bug::PublishBeforeFlush) {
            parts.publish();
        }
        let token = self.next_token;
        self.next_token += 1;
        self.end = end;
        self.ring.submit(DurableWrite {
            token,
            file: Arc::clone(&active.file),
            offset: u64::from(offset),
            bytes,
        });
        self.in_flight.push_back(InFlight { token, end, parts, result: None });
    }

    fn note(&mut self, completion: Completion) {
        let Some(commit) = self.in_flight.iter_mut().find(|c| c.token == completion.token) else {
            return;
        };
        if is_planted(Bug::AckOutOfOrder) && completion.result.is_ok() {
            commit.parts.acknowledge();
        }
        let is_ignored = is_planted(Bug::IgnoreWriteError) || is_planted(Bug::RetryFailedFlush);
        let failed = completion.result.as_ref().err().filter(|_| !is_ignored);
        let failed = failed.map(|error| io::Error::new(error.kind(), error.to_string()));
        commit.result = Some(completion.result);
        // CRASH: a flush that fails may have lost what older writes had put into the disk's cache,
        // and a later success proves nothing of them: they are not acknowledged either.
        if let Some(error) = failed {
            self.poison(&error);
        }
    }

    /// Publishes and acknowledges commits from the oldest on, as far as they are durable.
    fn settle(&mut self) {
        while let Some(commit) = self.in_flight.pop_front_if(|commit| commit.result.is_some()) {
            match commit.result {
                Some(Ok(())) if !self.shared.is_poisoned() => {
                    self.publish(commit.end, commit.parts)
                }
                Some(Err(_)) if is_planted(Bug::IgnoreWriteError) => {
                    self.publish(commit.end, commit.parts);
                }
                Some(Err(_)) if is_planted(Bug::RetryFailedFlush) && self.flush_again() => {
                    self.publish(commit.end, commit.parts);
                }
                Some(Err(error)) => {
                    self.poison(&error);
                    commit.parts.refuse(&self.shared.poison_error());
                }
                _ => commit.parts.refuse(&self.shared.poison_error()),
            }
        }
    }

    /// What a bug would do.
    fn flush_again(&self) -> bool {
        self.active.as_ref().is_some_and(|active| active.file.sync().is_ok())
    }

    fn publish(&mut self, end: JournalPosition, mut parts: Parts) {
        self.durable = end;
        if !parts.is_empty() {
            self.shared.records_end.store(end.raw(), Ordering::SeqCst);
            self.rested_since_ms = Some(self.shared.clock.monotonic_ms());
        }
        if !is_planted(Bug::PublishBeforeFlush) {
            parts.publish();
        }
        parts.acknowledge();
    }

    /// A failed write or flush: what it may have destroyed is unknown, so nothing after it counts.
    fn poison(&mut self, error: &io::Error) {
        tracing::error!(%error, "a journal write failed: appends are refused until restart");
        self.shared.poison(error);
        let error = self.shared.poison_error();
        self.shared.queue.close(error.clone());
        self.shared.queue.fail_all(&error);
    }

    /// Writes an idle marker once the journal has rested, so that the last commit is evidence too.
    fn mark_idle(&mut self) {
        let Some(since) = self.rested_since_ms else { return };
        let rested_ms = self.shared.clock.monotonic_ms().saturating_sub(since);
        let is_early = is_planted(Bug::MarkIdleEarly) && self.in_flight.len() < self.depth();
        if rested_ms >= IDLE_MARKER_AFTER_MS
            && (is_early || self.in_flight.is_empty() && self.shared.queue.is_empty())
            && !self.shared.is_poisoned()
        {
            if is_early {
                self.durable = self.end;
            }
            self.mark(FrameKind::IdleMarker);
        }
    }

    fn mark(&mut self, kind: FrameKind) {
        self.rested_since_ms = None;
        let Some(active) = self.active.as_mut() else { return };
        if active.image.remaining() < DIRECT_IO_BYTES {
            return;
        }
        let entry = Entry {
            shard: ShardId::JOURNAL,
            first_seq: SeqNo(0),
            epoch: Epoch(0),
            arrival: self.shared.clock.wall(),
            high_watermark: SeqNo(0),
            batches: &[],
            kind,
        };
        let encoded = encode(
            &mut active.image,
            &active.header,
            self.durable,
            &mut active.predecessor,
            &[entry],
        );
        self.submit(encoded.offset, encoded.bytes, Parts::default());
    }

    fn idle_timeout(&self) -> Option<Duration> {
        let since = self.rested_since_ms?;
        let rested_ms = self.shared.clock.monotonic_ms().saturating_sub(since);
        Some(Duration::from_millis(IDLE_MARKER_AFTER_MS.saturating_sub(rested_ms).max(1)))
    }

    /// After the queue was closed and drained: the clean-shutdown marker, then the end.
    fn finish_if_closed(&mut self) -> bool {
        let queue = &self.shared.queue;
        if !queue.is_closed() || !self.in_flight.is_empty() {
            return false;
        }
        if !queue.is_empty() && !self.shared.is_poisoned() {
            // The sealer still works, and brings the file that appends may wait for. If it cannot,
            // they are answered with the reason.
            let blocked = self.shared.slots.blocked().filter(|_| self.is_stalled());
            let Some(error) = blocked else { return false };
            queue.fail_all(&error);
        }
        if self.is_finished || self.shared.is_poisoned() || self.active.is_none() {
            return true;
        }
        self.is_finished = true;
        self.mark(FrameKind::CleanShutdown);
        self.in_flight.is_empty()
    }
}
