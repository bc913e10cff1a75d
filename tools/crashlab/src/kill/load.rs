//! The writers: each with a connection of its own, one request after the other.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;

use crate::kill::ledger::{Acknowledged, Ledger, Sequence, Shard};
use crate::kill::progress::Progress;
use crate::kill::record::{Name, encode, partition_key};
use crate::kinesis::{Client, Failure, Placed};
use crate::random::Random;

/// Records in one PutRecords at most.
const BATCH_RECORDS_MAX: u64 = 60;
/// Bytes of filler at most; now and then a record is larger.
const FILLER_BYTES_MAX: u64 = 1500;
const LARGE_FILLER_BYTES_MAX: u64 = 100_000;
/// Writers at work.
pub struct Load {
    progress: Arc<Progress>,
    writers: Vec<JoinHandle<(Ledger, Option<Failure>)>>,
}

impl Load {
    /// Starts `writers` writers to `streams`, of which `queued` has a queue. Each goes on behind the numbers that `ledger` has.
    #[must_use]
    pub fn start(
        server: SocketAddr,
        streams: &[String],
        queued: &str,
        writers: u32,
        ledger: &Ledger,
        random: &mut Random,
    ) -> Load {
        let progress = Arc::new(Progress::default());
        let writers = (0..writers).map(|writer| {
            let mut writer = Writer {
                writer,
                next: ledger.sent.get(&writer).copied().unwrap_or(0) + 1,
                streams: streams.to_vec(),
                queued: queued.to_owned(),
                client: Client::new(server),
                random: Random::new(random.bits()),
                ledger: Ledger::default(),
            };
            let progress = Arc::clone(&progress);
            std::thread::spawn(move || {
                let failure = writer.work(&progress);
                // The main thread may be waiting for progress that will not come.
                progress.announce();
                (writer.ledger, failure)
            })
        });
        Load { writers: writers.collect(), progress }
    }

    /// How far they are.
    #[must_use]
    pub fn progress(&self) -> &Arc<Progress> {
        &self.progress
    }

    /// Waits until `records` are acknowledged. Says whether that happened in time.
    #[must_use]
    pub fn wait_for(&self, records: u64) -> bool {
        self.progress.wait_for(records, || self.writers.iter().all(JoinHandle::is_finished))
    }

    /// Lets each writer finish its request, which may fail, and adds what they know to `ledger`.
    /// Answers the refusals: answers of the service that are no success.
    pub fn finish(self, ledger: &mut Ledger) -> Vec<Failure> {
        self.progress.end();
        let mut refusals = Vec::new();
        for writer in self.writers {
            let (own, failure) = writer.join().unwrap_or_else(|panic| {
                std::panic::resume_unwind(panic);
            });
            for (writer, highest) in own.sent {
                ledger.sent.insert(writer, highest);
            }
            for (name, place) in own.acknowledged {
                ledger.note_acknowledged(name, place);
            }
            refusals.extend(failure.filter(Failure::is_refusal));
        }
        refusals
    }
}

struct Writer {
    writer: u32,
    next: u64,
    streams: Vec<String>,
    queued: String,
    client: Client,
    random: Random,
    ledger: Ledger,
}

impl Writer {
    /// Puts until a request fails or the round is over.
    fn work(&mut self, progress: &Progress) -> Option<Failure> {
        while !progress.is_over() {
            let stream = usize::try_from(self.random.below(self.streams.len() as u64)).unwrap_or(0);
            let stream = self.streams[stream].clone();
            // Even writers put one by one, odd ones several at once; but all one by one to where a
            // queue's consumers must keep up with them.
            let put = if self.writer.is_multiple_of(2) || stream == self.queued {
                self.put_one(&stream)
            } else {
                self.put_several(&stream)
            };
            match put {
                Ok(count) => progress.add(count),
                Err(failure) => return Some(failure),
            }
        }
        None
    }

    fn put_one(&mut self, stream: &str) -> Result<u64, Failure> {
        let (name, key, data) = self.next_record();
        let placed = self.client.put_record(stream, &key, &data)?;
        Ok(u64::from(self.note(stream, name, placed)))
    }

    fn put_several(&mut self, stream: &str) -> Result<u64, Failure> {
        let count = 1 + self.random.below(BATCH_RECORDS_MAX);
        let (mut names, mut records) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let (name, key, data) = self.next_record();
            names.push(name);
            records.push((key, data));
        }
        let placed = self.client.put_records(stream, &records)?;
        assert_eq!(placed.len(), names.len(), "an outcome for each record");
        let noted = names
            .into_iter()
            .zip(placed)
            .map(|(name, placed)| u64::from(self.note(stream, name, placed)));
        Ok(noted.sum())
    }

    fn next_record(&mut self) -> (Name, String, Vec<u8>) {
        let name = Name { writer: self.writer, number: self.next };
        self.next += 1;
        self.ledger.note_sent(name);
        let is_large = self.random.below(200) == 0;
        let bound = if is_large { LARGE_FILLER_BYTES_MAX } else { FILLER_BYTES_MAX };
        let filler = usize::try_from(self.random.below(bound)).unwrap_or(0);
        (name, partition_key(name), encode(name, filler))
    }

    fn note(&mut self, stream: &str, name: Name, placed: Placed) -> bool {
        let Placed { shard_id: Some(shard), sequence_number: Some(sequence), error_code: None } =
            placed
        else {
            return false;
        };
        let shard = Shard { stream: stream.to_owned(), shard };
        self.ledger.note_acknowledged(name, Acknowledged { shard, sequence: Sequence(sequence) });
        true
    }
}
