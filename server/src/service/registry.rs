//! Which streams there are; making and deleting them.
//!
//! The catalog is the truth; the maps here are its image, loaded at start. Making and deleting
//! block on a flush: call them where blocking is allowed. They run to their end once begun, so that
//! a caller that goes away leaves nothing half done.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use flowstone_engine::catalog::Transaction;
use flowstone_engine::entropy::Entropy;
use flowstone_engine::error::{Error, ErrorKind, Result};
use flowstone_engine::types::{ShardId, Timestamp};
use flowstone_engine::{Engine, ShardSpec};

use crate::service::address::StreamKey;
use crate::service::bounds::{StreamLimits, Usage};
use crate::service::iterator::{TOKEN_KEY_BYTES, Tokens};
use crate::service::routing::even_ranges;
use crate::service::row::{
    Distribution, Mode, SECRETS, STREAMS, SecretRow, ShardRow, StreamRow, TOKEN_SECRET,
};
use crate::service::stream::{State, Stream};

/// Hours that a new stream keeps records.
const RETENTION_HOURS_DEFAULT: u32 = 24;

/// A stream to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateStream {
    /// Its shards.
    pub shards: u32,
    /// How its capacity is said to be managed.
    pub mode: Mode,
    /// Who chooses the shard of a record.
    pub distribution: Distribution,
    /// KiB of the largest record.
    pub record_kib_max: u32,
    /// MiB a second that it is kept warm for.
    pub warm_mibps: Option<u32>,
    /// Its tags.
    pub tags: Vec<(String, String)>,
}

/// Why a stream was not made.
#[derive(Debug)]
pub enum CreateError {
    /// There is one of that name.
    AlreadyExists,
    /// The account has as many streams as it may.
    TooManyStreams,
    /// The account has as many streams in on-demand mode as it may.
    TooManyOnDemandStreams,
    /// The stream would have more shards than one may.
    TooManyShardsInStream,
    /// The account would have more shards than it may.
    TooManyShards {
        /// Open shards that it has.
        current: usize,
    },
    /// The engine failed.
    Engine(Error),
}

impl fmt::Display for CreateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CreateError::AlreadyExists => f.write_str("there is one of that name"),
            CreateError::TooManyStreams => f.write_str("the account has as many as it may"),
            CreateError::TooManyOnDemandStreams => {
                f.write_str("the account has as many on-demand streams as it may")
            }
            CreateError::TooManyShardsInStream => {
                f.write_str("a stream may not have so many shards")
            }
            CreateError::TooManyShards { current } => {
                write!(f, "the account would have too many shards current=`{current}`")
            }
            CreateError::Engine(error) => error.fmt(f),
        }
    }
}

/// Why a stream was not changed or deleted.
#[derive(Debug)]
pub enum ChangeError<E> {
    /// There is none of that name.
    NotFound,
    /// It is being made, changed or deleted.
    NotActive(State),
    /// The change does not fit what the stream is.
    Refused(E),
    /// The engine failed.
    Engine(Error),
}

/// All streams of this server.
#[derive(Debug)]
pub struct Streams {
    maps: RwLock<Maps>,
    /// Held while a row changes, so that no change is lost to another.
    pub(super) changing: Mutex<()>,
    limits: StreamLimits,
}

#[derive(Debug, Default)]
pub(super) struct Maps {
    by_key: BTreeMap<String, Arc<Stream>>,
    /// Streams that are active or being deleted.
    by_id: HashMap<u64, Arc<Stream>>,
}

impl Streams {
    /// The streams that the engine's catalog has.
    pub fn load(engine: &Engine, limits: StreamLimits) -> Result<Streams> {
        let mut maps = Maps::default();
        for (key, row) in engine.catalog().scan(&STREAMS)? {
            let Some(stream) = Stream::active(row) else {
                let message = format!("stream row has ranges that leave a gap key=`{key}`");
                return Err(Error::new(ErrorKind::Corrupt, message));
            };
            maps.insert(key, Arc::new(stream));
        }
        Ok(Streams { maps: RwLock::new(maps), changing: Mutex::default(), limits })
    }

    /// The stream of that name, in whatever state.
    #[must_use]
    pub fn find(&self, key: StreamKey<'_>) -> Option<Arc<Stream>> {
        self.read().by_key.get(&key.encode()).cloned()
    }

    pub(super) fn find_encoded(&self, key: &str) -> Option<Arc<Stream>> {
        self.read().find(key)
    }

    /// The keys of all streams.
    pub(super) fn keys(&self) -> Vec<String> {
        self.read().by_key.keys().cloned().collect()
    }

    /// The bounds.
    pub(super) fn limits(&self) -> StreamLimits {
        self.limits
    }

    /// The stream with that identity, active or being deleted.
    #[must_use]
    pub fn find_id(&self, id: u64) -> Option<Arc<Stream>> {
        self.read().by_id.get(&id).cloned()
    }

    /// Up to `limit` streams of `account` in `region` whose names are behind `after`, by name.
    #[must_use]
    pub fn list(&self, account: &str, region: &str, after: &str, limit: usize) -> Vec<Arc<Stream>> {
        use std::ops::Bound::{Excluded, Unbounded};
        let prefix = StreamKey { account, region, name: "" }.encode();
        let from = StreamKey { account, region, name: after }.encode();
        self.read()
            .by_key
            .range((Excluded(from), Unbounded))
            .take_while(|(key, _)| key.starts_with(&prefix))
            .take(limit)
            .map(|(_, stream)| Arc::clone(stream))
            .collect()
    }

    /// Resolves when another snapshot has taken the place of `stream`, or it is gone.
    pub async fn changed(&self, stream: &Arc<Stream>) {
        // ORDER: first listen, then look, so that no change falls between.
        let mut changes = stream.changes.subscribe();
        if self.find_id(stream.row.id).is_some_and(|now| Arc::ptr_eq(&now, stream)) {
            // An error says that nobody can change it any more.
            let _ = changes.changed().await;
        }
    }

    /// What `account` has in `region`.
    #[must_use]
    pub fn usage(&self, account: &str, region: &str) -> Usage {
        self.read().usage(account, region)
    }

    /// How many streams there are, of all accounts.
    #[must_use]
    pub fn count(&self) -> usize {
        self.read().by_key.len()
    }

    /// Makes a stream; durable and active when this returns. Blocks on a flush.
    pub fn create(
        &self,
        engine: &Engine,
        now: Timestamp,
        key: StreamKey<'_>,
        spec: CreateStream,
    ) -> Result<Arc<Stream>, CreateError> {
        self.create_keeping(engine, now, key, spec, RETENTION_HOURS_DEFAULT)
    }

    /// The same, of a stream that keeps records for `retention_hours`.
    pub(super) fn create_keeping(
        &self,
        engine: &Engine,
        now: Timestamp,
        key: StreamKey<'_>,
        spec: CreateStream,
        retention_hours: u32,
    ) -> Result<Arc<Stream>, CreateError> {
        let (mut row, shards) = new_row(now, key, spec);
        row.retention_hours = retention_hours;
        let row = self.reserve(key, row, shards)?;
        let encoded = key.encode();
        let _reserved = Reserved { streams: self, key: &encoded };
        let spec = ShardSpec { retention_ms: row.retention_ms() };
        let mut made = None;
        let create = engine.create_shards(&vec![spec; shards as usize], |ids, transaction| {
            let row = with_shards(row, ids);
            transaction.expect_absent(&STREAMS, &encoded);
            transaction.put(&STREAMS, &encoded, &row);
            made = Some(row);
        });
        create.map_err(CreateError::Engine)?;
        let stream = made.and_then(Stream::active).expect("even ranges cover the hash space");
        Ok(self.write().insert(encoded.clone(), Arc::new(stream)))
    }

    /// Changes the settings of an active stream; durable when this returns. Blocks on a flush.
    ///
    /// `edit` sees the row as it is and changes anything but the shards. Nothing is written when it
    /// changes nothing.
    pub fn change<T, E>(
        &self,
        engine: &Engine,
        key: StreamKey<'_>,
        edit: impl FnOnce(&mut StreamRow) -> Result<T, E>,
    ) -> Result<(Arc<Stream>, T), ChangeError<E>> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let encoded = key.encode();
        let stream = self.find(key).ok_or(ChangeError::NotFound)?;
        if stream.state != State::Active {
            return Err(ChangeError::NotActive(stream.state));
        }
        let mut row = (*stream.row).clone();
        let output = edit(&mut row).map_err(ChangeError::Refused)?;
        assert_eq!(row.shards, stream.row.shards, "a change of settings leaves the shards alone");
        if row == *stream.row {
            return Ok((stream, output));
        }
        let mut transaction = Transaction::new();
        transaction.expect_present(&STREAMS, &encoded);
        transaction.put(&STREAMS, &encoded, &row);
        let committed = if row.retention_hours == stream.row.retention_hours {
            engine.catalog().commit(transaction)
        } else {
            let logs: Vec<ShardId> = row.shards.iter().map(ShardRow::log).collect();
            engine.set_retention(&logs, row.retention_ms(), transaction)
        };
        committed.map_err(ChangeError::Engine)?;
        let changed = Arc::new(stream.with_settings(row));
        Ok((self.write().insert(encoded, changed), output))
    }

    /// Deletes a stream with its records; durable when this returns. Blocks on a flush. `check` may
    /// refuse, or add to the transaction what goes with the stream.
    pub fn delete<E>(
        &self,
        engine: &Engine,
        key: StreamKey<'_>,
        check: impl FnOnce(&Stream, &mut Transaction) -> Result<(), E>,
    ) -> Result<(), ChangeError<E>> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let encoded = key.encode();
        let mut transaction = Transaction::new();
        transaction.remove(&STREAMS, &encoded);
        let stream = {
            let mut maps = self.write();
            let stream = maps.by_key.get(&encoded).cloned().ok_or(ChangeError::NotFound)?;
            if stream.state != State::Active {
                return Err(ChangeError::NotActive(stream.state));
            }
            check(&stream, &mut transaction).map_err(ChangeError::Refused)?;
            maps.insert(encoded.clone(), Arc::new(stream.in_state(State::Deleting)));
            stream
        };
        let logs: Vec<ShardId> = stream.row.shards.iter().map(ShardRow::log).collect();
        let result = engine.delete_shards(&logs, transaction);
        let mut maps = self.write();
        match result {
            Ok(()) => {
                maps.by_key.remove(&encoded);
                maps.by_id.remove(&stream.row.id);
                stream.changes.send_replace(());
                Ok(())
            }
            Err(error) => {
                maps.insert(encoded, stream);
                Err(ChangeError::Engine(error))
            }
        }
    }

    /// Takes the name, so that nobody else makes it meanwhile, and the room for the shards.
    fn reserve(
        &self,
        key: StreamKey<'_>,
        row: StreamRow,
        shards: u32,
    ) -> Result<StreamRow, CreateError> {
        let mut maps = self.write();
        let encoded = key.encode();
        if maps.by_key.contains_key(&encoded) {
            return Err(CreateError::AlreadyExists);
        }
        if shards > self.limits.shards_per_stream_max {
            return Err(CreateError::TooManyShardsInStream);
        }
        let usage = maps.usage(key.account, key.region);
        if usage.streams >= self.limits.streams_max {
            return Err(CreateError::TooManyStreams);
        }
        let is_on_demand = row.mode == Mode::OnDemand;
        if is_on_demand && usage.on_demand_streams >= self.limits.on_demand_streams_max {
            return Err(CreateError::TooManyOnDemandStreams);
        }
        let current = usage.open_shards;
        if current + shards as usize > self.limits.shards_max_in(key.region) {
            return Err(CreateError::TooManyShards { current });
        }
        maps.by_key.insert(encoded, Arc::new(Stream::creating(row.clone())));
        Ok(row)
    }

    pub(super) fn read(&self) -> RwLockReadGuard<'_, Maps> {
        // Every change is one insert or remove: there is no half-made state to be seen.
        self.maps.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn write(&self) -> RwLockWriteGuard<'_, Maps> {
        self.maps.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A name taken for a stream that is being made; given back unless the stream came to be.
struct Reserved<'a> {
    streams: &'a Streams,
    key: &'a str,
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        let mut maps = self.streams.write();
        if maps.by_key.get(self.key).is_some_and(|stream| stream.state == State::Creating) {
            maps.by_key.remove(self.key);
        }
    }
}

impl Maps {
    fn usage(&self, account: &str, region: &str) -> Usage {
        let prefix = StreamKey { account, region, name: "" }.encode();
        let streams = self.by_key.range(prefix.clone()..);
        let mut usage = Usage::default();
        for (_, stream) in streams.take_while(|(key, _)| key.starts_with(&prefix)) {
            usage.streams += 1;
            usage.on_demand_streams += usize::from(stream.row.mode == Mode::OnDemand);
            usage.open_shards += stream.open_shards();
        }
        usage
    }

    /// The stream under `key`.
    pub(super) fn find(&self, key: &str) -> Option<Arc<Stream>> {
        self.by_key.get(key).cloned()
    }

    /// Puts a snapshot in the place of the one before.
    pub(super) fn insert(&mut self, key: String, stream: Arc<Stream>) -> Arc<Stream> {
        self.by_id.insert(stream.row.id, Arc::clone(&stream));
        self.by_key.insert(key, Arc::clone(&stream));
        stream.changes.send_replace(());
        stream
    }
}

/// The row of a stream that has no shards yet, and how many it is to have.
fn new_row(now: Timestamp, key: StreamKey<'_>, spec: CreateStream) -> (StreamRow, u32) {
    let mut tags = spec.tags;
    tags.sort();
    let row = StreamRow {
        id: 0,
        name: key.name.to_owned(),
        account: key.account.to_owned(),
        region: key.region.to_owned(),
        created_ms: now.0,
        mode: spec.mode,
        distribution: spec.distribution,
        retention_hours: RETENTION_HOURS_DEFAULT,
        record_kib_max: spec.record_kib_max,
        warm_mibps: spec.warm_mibps,
        tags,
        encryption_key: None,
        policy: None,
        shard_metrics: 0,
        scaled_ms: Vec::new(),
        mode_changed_ms: Vec::new(),
        next_shard: 0,
        shards: Vec::new(),
    };
    (row, spec.shards)
}

/// The row with its first shards. The first log's number is the stream's identity: the engine
/// never gives it again.
fn with_shards(mut row: StreamRow, ids: &[ShardId]) -> StreamRow {
    let count = u32::try_from(ids.len()).expect("the limit on shards fits");
    row.next_shard = count;
    row.id = ids.first().expect("a stream has a shard").0;
    row.shards = (0..count)
        .zip(ids)
        .zip(even_ranges(count))
        .map(|((index, id), (hash_first, hash_last))| ShardRow {
            log: id.0,
            index,
            hash_first,
            hash_last,
            created_ms: row.created_ms,
            closed_ms: None,
            parent: None,
            adjacent_parent: None,
        })
        .collect();
    row
}

impl Tokens {
    /// Tokens under the key in the engine's catalog, which is made if it is missing.
    pub fn load(engine: &Engine, entropy: &dyn Entropy) -> Result<Tokens> {
        let name = TOKEN_SECRET.to_owned();
        if let Some(secret) = engine.catalog().load(&SECRETS, &name)? {
            return Ok(Tokens::new(&secret.key, entropy));
        }
        let mut key = [0; TOKEN_KEY_BYTES];
        for word in key.chunks_exact_mut(8) {
            word.copy_from_slice(&entropy.bits().to_le_bytes());
        }
        let mut transaction = Transaction::new();
        transaction.expect_absent(&SECRETS, &name);
        transaction.put(&SECRETS, &name, &SecretRow { key });
        engine.catalog().commit(transaction)?;
        Ok(Tokens::new(&key, entropy))
    }
}
