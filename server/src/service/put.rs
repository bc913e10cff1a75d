//! Records on their way into a stream, also while its shards are split and merged.
//!
//! ```text
//!   records --route--> one batch a shard --append--> kept, or failed
//!      ^                                    |
//!      +---- the stream's next snapshot <---+ shard closed: only these go round again
//! ```
//!
//! A shard takes a batch whole or not at all, and a batch that it refuses as closed left no trace:
//! sending it to the children neither loses nor doubles a record. Records of one key are in one
//! batch, in their order, in every round.

use std::collections::HashMap;
use std::sync::Arc;

use flowstone_engine::error::{Error, ErrorKind, Result as EngineResult};
use flowstone_engine::frame::Batch;
use flowstone_engine::planted::{Bug, is_planted};
use flowstone_engine::{Appended, Engine};
use futures_util::future::join_all;

use crate::service::registry::Streams;
use crate::service::stream::Stream;

/// Times that a record follows its shard to another one: more than a stream of ten thousand shards
/// has generations on its way to another shard count.
const REROUTES_MAX: u32 = 64;

/// What became of the records of one put.
#[derive(Debug)]
pub struct Put {
    /// What was appended or failed together.
    pub parts: Vec<PutPart>,
    /// Where each record went, in the order of the put.
    pub placed: Vec<Placed>,
}

/// Records that went to one shard.
#[derive(Debug)]
pub struct PutPart {
    /// The shard's index.
    pub shard_index: u32,
    /// When the shard was made, as its sequence numbers carry it.
    pub shard_created_s: u64,
    /// Where the records are.
    pub result: EngineResult<Appended>,
}

/// A record's part, and its place in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Placed {
    /// The part.
    pub part: usize,
    /// Records of the part before it.
    pub place: u64,
}

/// Why nothing was put.
#[derive(Debug)]
pub enum PutError<E> {
    /// The stream is gone.
    Gone,
    /// A batch could not be made.
    Batch(E),
}

impl Streams {
    /// Appends records to the shards of `stream` that take their hashes, or to the shards that have
    /// taken their place. `batch_of` makes the batch of the records with these numbers; in each
    /// round all batches are made before anything is appended.
    pub async fn put<E>(
        &self,
        engine: &Engine,
        mut stream: Arc<Stream>,
        hashes: &[u128],
        mut batch_of: impl FnMut(&[usize]) -> Result<Batch, E>,
    ) -> Result<Put, PutError<E>> {
        let mut put = Put { parts: Vec::new(), placed: vec![Placed::default(); hashes.len()] };
        let mut pending: Vec<usize> = (0..hashes.len()).collect();
        for round in 0.. {
            let routed = route(&stream, hashes, &pending).ok_or(PutError::Gone)?;
            let mut appends = Vec::with_capacity(routed.len());
            for (index, records) in &routed {
                let shard = stream.shard(*index).ok_or(PutError::Gone)?;
                let batch = batch_of(records).map_err(PutError::Batch)?;
                appends.push(engine.append(shard.log(), batch));
            }
            let results = join_all(appends).await;
            pending.clear();
            let mut refused_by = Vec::new();
            for ((index, records), result) in routed.into_iter().zip(results) {
                if result.as_ref().is_err_and(Error::is_shard_closed) && round < REROUTES_MAX {
                    refused_by.push(index);
                    pending.extend(records);
                    continue;
                }
                for (place, record) in (0..).zip(&records) {
                    put.placed[*record] = Placed { part: put.parts.len(), place };
                }
                let shard_created_s = stream.shard(index).map_or(0, |shard| shard.created_s());
                put.parts.push(PutPart { shard_index: index, shard_created_s, result });
            }
            if pending.is_empty() {
                break;
            }
            // Batches are made in the order of the records, whatever shard refused them.
            pending.sort_unstable();
            if is_planted(Bug::RerouteBackwards) {
                pending.reverse();
            }
            let id = stream.row.id;
            for index in refused_by {
                stream = self.rerouted(id, index).await.ok_or(PutError::Gone)?;
            }
        }
        Ok(put)
    }

    /// Appends one record, or one batch that stays together: its shard is that of `hash`.
    pub async fn put_one<E>(
        &self,
        engine: &Engine,
        stream: Arc<Stream>,
        hash: u128,
        mut batch: impl FnMut() -> Result<Batch, E>,
    ) -> Result<PutPart, PutError<E>> {
        let put = self.put(engine, stream, &[hash], |_| batch()).await?;
        let unreachable = || PutPart {
            shard_index: 0,
            shard_created_s: 0,
            result: Err(Error::new(ErrorKind::Unavailable, "a put has one part at least")),
        };
        Ok(put.parts.into_iter().next().unwrap_or_else(unreachable))
    }
}

/// The `pending` records by shard, in the order in which the shards come up; `None` when the stream
/// takes no records.
fn route(stream: &Stream, hashes: &[u128], pending: &[usize]) -> Option<Vec<(u32, Vec<usize>)>> {
    let mut parts: Vec<(u32, Vec<usize>)> = Vec::new();
    let mut part_of = HashMap::new();
    for record in pending {
        let index = stream.shard_for(hashes[*record])?.index;
        let part = *part_of.entry(index).or_insert_with(|| {
            parts.push((index, Vec::new()));
            parts.len() - 1
        });
        parts[part].1.push(*record);
    }
    Some(parts)
}
