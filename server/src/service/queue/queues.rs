//! Which queues there are; making, changing and deleting them.
//!
//! The catalog is the truth; the maps here are its image, loaded at start. A queue's state is read
//! from its log when it is first used.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use flowstone_engine::ShardSpec;
use flowstone_engine::catalog::Transaction;
use flowstone_engine::entropy::Entropy;
use flowstone_engine::error::{Error, Result};
use flowstone_engine::shard::ReadFrom;
use flowstone_engine::types::Timestamp;
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::service::queue::limits::QUEUES_MAX;
use crate::service::queue::log::LOG_RETENTION_MS;
use crate::service::queue::queue::{Context, Queue, QueueState, gone};
use crate::service::queue::row::{QUEUES, QueueRow, QueueStart};
use crate::service::registry::Streams;
use crate::service::routing::hash_of;
use crate::service::row::{Mode, STREAMS};
use crate::service::stream::Stream;

/// A queue to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateQueue {
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub account: String,
    /// Where it is said to be.
    pub region: String,
    /// Where delivery begins.
    pub start: QueueStart,
    /// Seconds that a received record is not visible.
    pub visibility_s: u32,
    /// Receives after which a record becomes a dead letter; none: never.
    pub receive_count_max: Option<u32>,
    /// Its tags.
    pub tags: Vec<(String, String)>,
    /// Queues that the stream may have, those registered consumers taken off that share the bound.
    pub of_stream_max: usize,
}

/// Why a queue was not made.
#[derive(Debug)]
pub enum CreateQueueError {
    /// There is one of that name.
    AlreadyExists,
    /// The stream has as many consumers as it may.
    TooManyOfStream,
    /// The server has as many queues as it may.
    TooMany,
    /// The stream's capacity is managed by its owner.
    NotOnDemand,
    /// The stream is gone, or going.
    NoStream,
    /// The engine failed.
    Engine(Error),
}

/// All queues of this server.
#[derive(Debug)]
pub struct Queues {
    context: Context,
    /// Drawn at the start, and how many resource names were made since.
    salt: [u64; 2],
    named: AtomicU64,
    /// Under the keys of their rows.
    all: RwLock<BTreeMap<String, Arc<Queue>>>,
    /// Held while rows change.
    changing: Arc<Mutex<()>>,
    is_stopping: Arc<AtomicBool>,
}

/// Keeps queues as they are.
#[derive(Debug)]
pub struct Unchanging(#[expect(dead_code, reason = "held")] OwnedMutexGuard<()>);

impl Queues {
    /// The queues that the engine's catalog has.
    pub fn load(context: Context, entropy: &dyn Entropy) -> Result<Queues> {
        let rows = context.engine.catalog().scan(&QUEUES)?;
        let is_stopping = Arc::default();
        let queue = |row| Queue::new(context.clone(), row, QueueState::Active, &is_stopping);
        let all = rows.into_iter().map(|(key, row)| (key, Arc::new(queue(row)))).collect();
        let (all, changing) = (RwLock::new(all), Arc::default());
        let (salt, named) = ([entropy.bits(), entropy.bits()], AtomicU64::new(0));
        Ok(Queues { all, changing, salt, named, is_stopping: Arc::clone(&is_stopping), context })
    }

    /// The queue of that account and region with that resource name.
    #[must_use]
    pub fn find(&self, account: &str, region: &str, resource: &str) -> Option<Arc<Queue>> {
        self.read().get(&[account, region, resource].join("/")).cloned()
    }

    /// Up to `limit` queues of `account` in `region` whose resource names are behind `after` and
    /// that `is_wanted`, by resource name.
    #[must_use]
    pub fn list(
        &self,
        (account, region): (&str, &str),
        after: &str,
        limit: usize,
        is_wanted: impl Fn(&QueueRow) -> bool,
    ) -> Vec<Arc<Queue>> {
        use std::ops::Bound::{Excluded, Unbounded};
        let prefix = [account, region, ""].join("/");
        self.read()
            .range((Excluded([account, region, after].join("/")), Unbounded))
            .take_while(|(key, _)| key.starts_with(&prefix))
            .filter(|(_, queue)| is_wanted(&queue.row()))
            .take(limit)
            .map(|(_, queue)| Arc::clone(queue))
            .collect()
    }

    /// The queues of a stream, those being made or deleted included. A stream that has any is not
    /// deleted, and stays on demand; each counts as a registered consumer.
    #[must_use]
    pub fn of_stream(&self, stream: u64) -> Vec<Arc<Queue>> {
        self.read().values().filter(|queue| queue.row().stream == stream).cloned().collect()
    }

    /// Keeps queues from being made, changed and deleted until the guard is dropped.
    pub async fn hold(&self) -> Unchanging {
        Unchanging(Arc::clone(&self.changing).lock_owned().await)
    }

    /// Lets the receives that wait answer, and those to come not wait: the server is about to stop.
    pub fn stop(&self) {
        self.is_stopping.store(true, Ordering::SeqCst);
        self.read().values().for_each(|queue| queue.ring());
    }

    /// Makes a queue; durable and active when this returns. Call it where it runs to its end.
    pub async fn create(
        &self,
        streams: &Streams,
        stream: &Stream,
        spec: CreateQueue,
    ) -> Result<Arc<Queue>, CreateQueueError> {
        let _changing = self.changing.lock().await;
        let row = self.new_row(stream, spec.clone());
        let queue = self.reserve(row, spec.of_stream_max)?;
        let made = self.make(streams, stream, &queue).await;
        match made {
            Ok(row) => {
                queue.set(Arc::new(row), QueueState::Active);
                Ok(queue)
            }
            Err(error) => {
                self.write().remove(&queue.row().key());
                Err(error)
            }
        }
    }

    /// Changes the settings of a queue; durable when this returns. Call it where it runs to its
    /// end. `NotFound` when the queue is gone. `edit` may refuse.
    pub async fn change<E>(
        &self,
        queue: &Queue,
        edit: impl FnOnce(&mut QueueRow) -> Result<(), E>,
    ) -> Result<Result<(), E>> {
        let _changing = self.changing.lock().await;
        if queue.state() != QueueState::Active {
            return Err(gone());
        }
        let old = queue.row();
        let mut row = (*old).clone();
        if let Err(refusal) = edit(&mut row) {
            return Ok(Err(refusal));
        }
        let row = Arc::new(row);
        if row == old {
            return Ok(Ok(()));
        }
        let commit = {
            let (row, catalog) = (Arc::clone(&row), self.context.engine.catalog().clone());
            move || {
                let mut transaction = Transaction::new();
                transaction.expect_present(&QUEUES, &row.key());
                transaction.put(&QUEUES, &row.key(), &*row);
                catalog.commit(transaction)
            }
        };
        if row.receive_count_max == old.receive_count_max {
            self.context.offload.run(commit).await?;
        } else {
            queue.set_receive_count_max(row.receive_count_max, commit).await?;
        }
        queue.set(row, QueueState::Active);
        Ok(Ok(()))
    }

    /// Deletes a queue; durable when this returns. Call it where it runs to its end. `NotFound`
    /// when it is gone.
    pub async fn delete(&self, queue: &Arc<Queue>) -> Result<()> {
        let _changing = self.changing.lock().await;
        if queue.state() != QueueState::Active {
            return Err(gone());
        }
        let row = queue.row();
        queue.set(Arc::clone(&row), QueueState::Deleting);
        let (engine, log, key) = (self.context.engine.clone(), row.log(), row.key());
        let delete = move || {
            let mut transaction = Transaction::new();
            transaction.remove(&QUEUES, &key);
            engine.delete_shards(&[log], transaction)
        };
        let deleted = self.context.offload.run(delete).await;
        match &deleted {
            Ok(()) => drop(self.write().remove(&row.key())),
            Err(_) => queue.set(row, QueueState::Active),
        }
        deleted
    }

    /// Makes the log and the row of a queue that was reserved.
    async fn make(
        &self,
        streams: &Streams,
        stream: &Stream,
        queue: &Queue,
    ) -> Result<QueueRow, CreateQueueError> {
        // ORDER: the reservation counts before the stream is looked at, so that either this sees
        // that it is being deleted or changed, or whoever does that sees the reservation.
        let stream = streams.find_id(stream.row.id).filter(|stream| stream.is_serving());
        let stream = stream.ok_or(CreateQueueError::NoStream)?;
        if stream.row.mode != Mode::OnDemand {
            return Err(CreateQueueError::NotOnDemand);
        }
        let (engine, row) = (self.context.engine.clone(), queue.row());
        let make = move || {
            let mut row = (*row).clone();
            let from = match row.start {
                QueueStart::TrimHorizon => ReadFrom::TrimHorizon,
                QueueStart::Latest => ReadFrom::Latest,
                QueueStart::AtTime(ms) => ReadFrom::AtTime(Timestamp(ms)),
            };
            for shard in &stream.row.shards {
                row.cursors.push((shard.index, engine.resolve(shard.log(), from)?.0));
            }
            let spec = ShardSpec { retention_ms: LOG_RETENTION_MS };
            engine.create_shards(&[spec], |ids, transaction| {
                row.id = ids.first().expect("one log was asked for").0;
                transaction.expect_present(&STREAMS, &stream.key().encode());
                transaction.expect_absent(&QUEUES, &row.key());
                transaction.put(&QUEUES, &row.key(), &row);
            })?;
            Ok(row)
        };
        self.context.offload.run(make).await.map_err(CreateQueueError::Engine)
    }

    /// Takes the name and the room, so that nobody else does meanwhile.
    fn reserve(&self, row: QueueRow, of_stream_max: usize) -> Result<Arc<Queue>, CreateQueueError> {
        let mut all = self.write();
        if all.len() >= QUEUES_MAX {
            return Err(CreateQueueError::TooMany);
        }
        let prefix = [row.account.as_str(), &row.region, ""].join("/");
        let from = all.range(prefix.clone()..);
        let mut peers = from.take_while(|(key, _)| key.starts_with(&prefix));
        if peers.any(|(_, queue)| queue.row().name == row.name) {
            return Err(CreateQueueError::AlreadyExists);
        }
        if all.values().filter(|queue| queue.row().stream == row.stream).count() >= of_stream_max {
            return Err(CreateQueueError::TooManyOfStream);
        }
        let key = row.key();
        let queue = Queue::new(self.context.clone(), row, QueueState::Creating, &self.is_stopping);
        let queue = Arc::new(queue);
        all.insert(key, Arc::clone(&queue));
        Ok(queue)
    }

    /// The row of a queue that has no log yet.
    fn new_row(&self, stream: &Stream, spec: CreateQueue) -> QueueRow {
        let mut tags = spec.tags;
        tags.sort();
        let created = self.context.clock.wall();
        let earliest_ms = created.minus_ms(stream.row.retention_ms()).0.max(stream.row.created_ms);
        let start_ms = match spec.start {
            QueueStart::TrimHorizon => earliest_ms,
            QueueStart::Latest => created.0,
            QueueStart::AtTime(ms) => ms.max(earliest_ms),
        };
        // Two names are never the same: the salt is random, and the number counts.
        let named = self.named.fetch_add(1, Ordering::Relaxed);
        let resource = hash_of(&format!("{:x?}/{named}", self.salt));
        QueueRow {
            id: 0,
            resource: format!("{resource:032x}"),
            name: spec.name,
            account: spec.account,
            region: spec.region,
            created_ms: created.0,
            stream: stream.row.id,
            stream_arn: stream.arn(),
            stream_created_ms: stream.row.created_ms,
            start: spec.start,
            start_ms,
            cursors: Vec::new(),
            visibility_s: spec.visibility_s,
            receive_count_max: spec.receive_count_max,
            tags,
            policy: None,
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<String, Arc<Queue>>> {
        // Every change is one insert or remove: there is no half-made state to be seen.
        self.all.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<String, Arc<Queue>>> {
        self.all.write().unwrap_or_else(PoisonError::into_inner)
    }
}
