//! The consumers of a queue: they receive, acknowledge some records, put off others, forget others.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;

use crate::kill::deliveries::{Delivery, Moments, Note};
use crate::kill::progress::Progress;
use crate::kill::record::{Name, decode_read};
use crate::kinesis::{Client, Failure, Receive};
use crate::random::Random;

/// Consumers at once.
const CONSUMERS: usize = 3;
/// Seconds until a record is visible again that nobody acknowledged, at most.
const VISIBILITY_S_MAX: u64 = 1;
/// Seconds without a record after which a queue has delivered everything.
const DRAINED_S: u64 = VISIBILITY_S_MAX + 1;
/// Seconds that a record is not visible while the queue is drained.
const DRAIN_VISIBILITY_S: u64 = 60;
/// Records of one receive at most.
const RECORDS_MAX: u64 = 10;

/// Consumers at work.
pub struct Consumers {
    progress: Arc<Progress>,
    threads: Vec<JoinHandle<(Vec<Note>, Option<Failure>)>>,
}

impl Consumers {
    /// Starts to consume `queue`, until the round is over.
    #[must_use]
    pub fn start(
        server: SocketAddr,
        queue: &str,
        progress: &Arc<Progress>,
        moments: &Moments,
        random: &mut Random,
    ) -> Consumers {
        Consumers::spawn(server, queue, progress, moments, random, Consumer::work)
    }

    /// Starts to acknowledge all that `queue` delivers, until it delivers nothing more.
    #[must_use]
    pub fn drain(
        server: SocketAddr,
        queue: &str,
        moments: &Moments,
        random: &mut Random,
    ) -> Consumers {
        let drain = |consumer: &mut Consumer, _: &Progress| consumer.drain();
        Consumers::spawn(server, queue, &Arc::default(), moments, random, drain)
    }

    fn spawn(
        server: SocketAddr,
        queue: &str,
        progress: &Arc<Progress>,
        moments: &Moments,
        random: &mut Random,
        work: fn(&mut Consumer, &Progress) -> Result<(), Failure>,
    ) -> Consumers {
        let threads = (0..CONSUMERS).map(|_| {
            let mut consumer = Consumer {
                client: Client::new(server),
                queue: queue.to_owned(),
                random: Random::new(random.bits()),
                moments: moments.clone(),
                notes: Vec::new(),
            };
            let progress = Arc::clone(progress);
            std::thread::spawn(move || {
                let failure = work(&mut consumer, &progress).err();
                (consumer.notes, failure)
            })
        });
        Consumers { threads: threads.collect(), progress: Arc::clone(progress) }
    }

    /// Lets each consumer finish its request, which may fail: what they know, and the failures.
    #[must_use]
    pub fn finish(self) -> (Vec<Note>, Vec<Failure>) {
        self.progress.end();
        let (mut notes, mut failures) = (Vec::new(), Vec::new());
        for thread in self.threads {
            let (own, failure) =
                thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            notes.extend(own);
            failures.extend(failure);
        }
        (notes, failures)
    }
}

struct Consumer {
    client: Client,
    queue: String,
    random: Random,
    moments: Moments,
    notes: Vec<Note>,
}

impl Consumer {
    /// Consumes until a request fails or the round is over.
    fn work(&mut self, progress: &Progress) -> Result<(), Failure> {
        while !progress.is_over() {
            let limit = 1 + self.random.below(RECORDS_MAX);
            let visibility_s = self.random.below(VISIBILITY_S_MAX + 1);
            let records = self.receive(Receive { limit, wait_s: 1, visibility_s })?;
            let (mut done, mut put_off) = (Vec::new(), Vec::new());
            for record in records {
                match self.random.below(10) {
                    0..8 => done.push(record),
                    8 => put_off.push(record.1),
                    _ => {}
                }
            }
            self.acknowledge(&done)?;
            if !put_off.is_empty() {
                let receipts: Vec<_> = put_off.iter().map(String::as_str).collect();
                let visibility_s = self.random.below(VISIBILITY_S_MAX + 1);
                self.client.reappear(&self.queue, &receipts, visibility_s)?;
            }
        }
        Ok(())
    }

    /// Acknowledges everything until nothing comes.
    fn drain(&mut self) -> Result<(), Failure> {
        let (wait_s, visibility_s) = (DRAINED_S, DRAIN_VISIBILITY_S);
        loop {
            let how = Receive { limit: RECORDS_MAX, wait_s, visibility_s };
            let records = self.receive(how)?;
            if records.is_empty() {
                return Ok(());
            }
            self.acknowledge(&records)?;
        }
    }

    /// Receives; the records with their receipts.
    fn receive(&mut self, how: Receive) -> Result<Vec<(Name, String)>, Failure> {
        let asked = self.moments.next();
        let records = self.client.receive(&self.queue, how)?;
        let answered = self.moments.next();
        let mut received = Vec::new();
        for record in records {
            let Some(name) = decode_read(&record.partition_key, &record.data) else {
                self.notes.push(Note::WrongBytes(record.record_id));
                continue;
            };
            let (record_id, receive_count) = (record.record_id, record.receive_count);
            let delivery = Delivery { record_id, receive_count, asked, answered };
            self.notes.push(Note::Delivered(name, delivery));
            received.push((name, record.receipt_handle));
        }
        Ok(received)
    }

    fn acknowledge(&mut self, records: &[(Name, String)]) -> Result<(), Failure> {
        if records.is_empty() {
            return Ok(());
        }
        self.notes.extend(records.iter().map(|(name, _)| Note::Settling(*name)));
        let receipts: Vec<_> = records.iter().map(|(_, receipt)| receipt.as_str()).collect();
        let granted = self.client.acknowledge(&self.queue, &receipts)?;
        let answered = self.moments.next();
        self.notes.extend(records.iter().map(|(name, receipt)| {
            Note::Settled(*name, granted.contains(receipt).then_some(answered))
        }));
        Ok(())
    }
}
