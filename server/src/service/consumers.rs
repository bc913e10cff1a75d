//! Registered consumers: which there are, and who reads which shard as one of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use flowstone_engine::Engine;
use flowstone_engine::catalog::{Table, Transaction};
use flowstone_engine::catalog_value;
use flowstone_engine::error::{Error, ErrorKind, Result};
use flowstone_engine::types::Timestamp;
use rkyv::{Archive, Deserialize, Serialize};

use crate::service::registry::Streams;
use crate::service::row::STREAMS;
use crate::service::seat::Seats;
use crate::service::stream::Stream;

/// All consumers, under the stream's identity in hex, a slash, and the consumer's name.
const CONSUMERS: Table<String, ConsumerRow> = Table::new("server.consumers");

/// What is kept of a consumer.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct ConsumerRow {
    /// The identity of the stream that it reads.
    pub stream: u64,
    /// Its name, one in the stream.
    pub name: String,
    /// When it was made, in milliseconds since 1970.
    pub created_ms: u64,
    /// Tags, sorted by key.
    pub tags: Vec<(String, String)>,
    /// Who else may use it: a document of JSON.
    pub policy: Option<String>,
}

catalog_value!(ConsumerRow, version = 1);

/// A registered consumer. A change makes another one, on the same seats.
#[derive(Clone, Debug)]
pub struct Consumer {
    /// What the catalog has of it.
    pub row: ConsumerRow,
    /// Who reads which shard as this consumer now.
    pub seats: Arc<Seats>,
}

impl Consumer {
    /// The end of its ARN, behind the stream's and a slash.
    #[must_use]
    pub fn resource(&self) -> String {
        format!("consumer/{}:{}", self.row.name, self.row.created_ms / 1000)
    }
}

/// Why a consumer was not registered.
#[derive(Debug)]
pub enum RegisterError {
    /// The stream has one of that name.
    AlreadyExists,
    /// The stream has as many as it may.
    TooMany,
    /// The stream was deleted meanwhile.
    NoStream,
    /// The engine failed.
    Engine(Error),
}

/// All consumers of this server.
#[derive(Debug, Default)]
pub struct Consumers {
    by_key: RwLock<BTreeMap<(u64, String), Arc<Consumer>>>,
    /// Held while one is made or goes, and while a stream is deleted.
    changing: Mutex<()>,
}

/// Keeps consumers from being made or going.
#[derive(Debug)]
pub struct Unchanging<'a>(#[expect(dead_code, reason = "held")] MutexGuard<'a, ()>);

impl Consumers {
    /// The consumers that the engine's catalog has.
    pub fn load(engine: &Engine) -> Result<Consumers> {
        let mut by_key = BTreeMap::new();
        for (_, row) in engine.catalog().scan(&CONSUMERS)? {
            by_key.insert((row.stream, row.name.clone()), Arc::new(Consumer::new(row)));
        }
        Ok(Consumers { by_key: RwLock::new(by_key), changing: Mutex::default() })
    }

    /// The consumer of `stream` called `name`.
    #[must_use]
    pub fn find(&self, stream: u64, name: &str) -> Option<Arc<Consumer>> {
        let by_key = self.by_key.read().unwrap_or_else(PoisonError::into_inner);
        by_key.get(&(stream, name.to_owned())).cloned()
    }

    /// Up to `limit` consumers of `stream` whose names are behind `after`, by name.
    #[must_use]
    pub fn list(&self, stream: u64, after: &str, limit: usize) -> Vec<Arc<Consumer>> {
        use std::ops::Bound::{Excluded, Unbounded};
        let by_key = self.by_key.read().unwrap_or_else(PoisonError::into_inner);
        by_key
            .range((Excluded((stream, after.to_owned())), Unbounded))
            .take_while(|((of, _), _)| *of == stream)
            .take(limit)
            .map(|(_, consumer)| Arc::clone(consumer))
            .collect()
    }

    /// How many consumers `stream` has.
    #[must_use]
    pub fn count(&self, stream: u64) -> usize {
        let by_key = self.by_key.read().unwrap_or_else(PoisonError::into_inner);
        let from = (stream, String::new());
        by_key.range(from..).take_while(|((of, _), _)| *of == stream).count()
    }

    /// Keeps consumers as they are until the guard is dropped.
    pub fn hold(&self) -> Unchanging<'_> {
        Unchanging(self.changing.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Registers a consumer of `stream`, which may have `max`; durable when this returns. Blocks on
    /// a flush. Streams are deleted only while consumers are held unchanging.
    #[expect(clippy::too_many_arguments, reason = "they are all of different types")]
    pub fn register(
        &self,
        engine: &Engine,
        streams: &Streams,
        now: Timestamp,
        stream: &Stream,
        name: &str,
        mut tags: Vec<(String, String)>,
        max: usize,
    ) -> Result<Arc<Consumer>, RegisterError> {
        let _unchanging = self.hold();
        let id = stream.row.id;
        // It may have been deleted since it was looked up, and made again. Now it cannot be.
        if streams.find_id(id).is_none() {
            return Err(RegisterError::NoStream);
        }
        if self.find(id, name).is_some() {
            return Err(RegisterError::AlreadyExists);
        }
        if self.count(id) >= max {
            return Err(RegisterError::TooMany);
        }
        tags.sort();
        let row =
            ConsumerRow { stream: id, name: name.into(), created_ms: now.0, tags, policy: None };
        let mut transaction = Transaction::new();
        transaction.expect_present(&STREAMS, &stream.key().encode());
        transaction.expect_absent(&CONSUMERS, &row.key());
        transaction.put(&CONSUMERS, &row.key(), &row);
        engine.catalog().commit(transaction).map_err(RegisterError::Engine)?;
        let consumer = Arc::new(Consumer::new(row));
        self.insert(&consumer);
        Ok(consumer)
    }

    /// Changes the row of a consumer but for its name and stream; durable when this returns. `None`
    /// when there is no such consumer. `edit` may refuse. Blocks on a flush.
    pub fn change<E>(
        &self,
        engine: &Engine,
        stream: u64,
        name: &str,
        edit: impl FnOnce(&mut ConsumerRow) -> Result<(), E>,
    ) -> Result<Option<Result<(), E>>> {
        let _unchanging = self.hold();
        let Some(consumer) = self.find(stream, name) else { return Ok(None) };
        let mut row = consumer.row.clone();
        if let Err(refusal) = edit(&mut row) {
            return Ok(Some(Err(refusal)));
        }
        assert_eq!(row.key(), consumer.row.key(), "a consumer keeps its name and stream");
        let mut transaction = Transaction::new();
        transaction.expect_present(&CONSUMERS, &row.key());
        transaction.put(&CONSUMERS, &row.key(), &row);
        engine.catalog().commit(transaction)?;
        self.insert(&Arc::new(Consumer { row, seats: Arc::clone(&consumer.seats) }));
        Ok(Some(Ok(())))
    }

    /// Removes a consumer and ends what is read as it; durable when this returns. `NotFound` when
    /// it is gone already. Blocks on a flush.
    pub fn deregister(&self, engine: &Engine, stream: u64, name: &str) -> Result<()> {
        let _unchanging = self.hold();
        let consumer = self.find(stream, name).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, format!("there is no consumer name=`{name}`"))
        })?;
        let mut transaction = Transaction::new();
        transaction.expect_present(&CONSUMERS, &consumer.row.key());
        transaction.remove(&CONSUMERS, &consumer.row.key());
        engine.catalog().commit(transaction)?;
        self.forget(&consumer);
        Ok(())
    }

    /// Adds to `transaction` that all consumers of `stream` go. Once it is committed, call
    /// [`Consumers::forget_all`]; hold them unchanging meanwhile.
    pub fn remove_all(&self, stream: u64, transaction: &mut Transaction) {
        for consumer in self.list(stream, "", usize::MAX) {
            transaction.remove(&CONSUMERS, &consumer.row.key());
        }
    }

    /// Forgets all consumers of `stream` and ends what is read as one of them.
    pub fn forget_all(&self, stream: u64) {
        for consumer in self.list(stream, "", usize::MAX) {
            self.forget(&consumer);
        }
    }

    fn insert(&self, consumer: &Arc<Consumer>) {
        let key = (consumer.row.stream, consumer.row.name.clone());
        let mut by_key = self.by_key.write().unwrap_or_else(PoisonError::into_inner);
        by_key.insert(key, Arc::clone(consumer));
    }

    fn forget(&self, consumer: &Consumer) {
        let key = (consumer.row.stream, consumer.row.name.clone());
        self.by_key.write().unwrap_or_else(PoisonError::into_inner).remove(&key);
        consumer.seats.end_all();
    }
}

impl Consumer {
    fn new(row: ConsumerRow) -> Consumer {
        Consumer { row, seats: Arc::default() }
    }
}

impl ConsumerRow {
    fn key(&self) -> String {
        format!("{:016x}/{}", self.stream, self.name)
    }
}

#[cfg(test)]
mod tests;
