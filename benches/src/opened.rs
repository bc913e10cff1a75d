//! An engine in a scratch directory, driven from one thread.

use std::collections::VecDeque;
use std::sync::Arc;

use flowstone_engine::clock::SystemClock;
use flowstone_engine::entropy::SystemEntropy;
use flowstone_engine::error::{Error, ErrorKind, Result};
use flowstone_engine::frame::Batch;
use flowstone_engine::io::{Backend, RealDisk};
use flowstone_engine::types::ShardId;
use flowstone_engine::{Appended, Engine, Options, ShardSpec};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::oneshot::Receiver;

use crate::scratch::scratch;

/// A day.
const RETENTION_MS: u64 = 24 * 60 * 60 * 1000;

/// An open engine. Closed when dropped; its directory goes with it.
pub struct Opened {
    engine: Engine,
    shards: Vec<ShardId>,
    runtime: Runtime,
    directory: TempDir,
}

impl Opened {
    /// A new engine with `shards` shards.
    pub fn fresh(shards: usize, options: Options) -> Result<Opened> {
        let io = |error| Error::io("preparing a bench", error);
        let directory = scratch().map_err(io)?;
        let disk = Arc::new(RealDisk::open(directory.path(), Backend::Auto).map_err(io)?);
        let engine =
            Engine::open(disk, Arc::new(SystemClock::new()), Arc::new(SystemEntropy), options)?;
        let specs = vec![ShardSpec { retention_ms: RETENTION_MS }; shards];
        let shards = engine.create_shards(&specs, |_, _| ())?;
        let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(io)?;
        Ok(Opened { engine, shards, runtime, directory })
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Its shards.
    #[must_use]
    pub fn shards(&self) -> &[ShardId] {
        &self.shards
    }

    /// Where it is.
    #[must_use]
    pub fn directory(&self) -> &std::path::Path {
        self.directory.path()
    }

    /// Appends `batch` to each of `shards` and waits until all are durable.
    pub fn append_each(&self, shards: &[ShardId], batch: &Batch) -> Result<()> {
        self.append_all(shards.iter().map(|shard| (*shard, batch.clone())))
    }

    /// Appends `batch` `count` times with `window` appends outstanding.
    pub fn append_window(
        &self,
        shard: ShardId,
        batch: &Batch,
        count: usize,
        window: usize,
    ) -> Result<()> {
        self.runtime.block_on(async {
            let mut outstanding = VecDeque::new();
            for _ in 0..count {
                if outstanding.len() == window {
                    settle(outstanding.pop_front()).await?;
                }
                outstanding.push_back(self.engine.enqueue(shard, batch.clone()).await?);
            }
            while !outstanding.is_empty() {
                settle(outstanding.pop_front()).await?;
            }
            Ok(())
        })
    }

    /// Appends all batches and waits until all are durable.
    pub fn append_all(&self, appends: impl Iterator<Item = (ShardId, Batch)>) -> Result<()> {
        self.runtime.block_on(async {
            let mut answers = Vec::new();
            for (shard, batch) in appends {
                answers.push(self.engine.enqueue(shard, batch).await?);
            }
            for answer in answers {
                settle(Some(answer)).await?;
            }
            Ok(())
        })
    }

    /// Closes the engine and keeps its directory.
    pub fn close(self) -> Result<TempDir> {
        self.engine.close()?;
        Ok(self.directory)
    }
}

/// Waits for the end of an append.
async fn settle(answer: Option<Receiver<Result<Appended>>>) -> Result<()> {
    if let Some(answer) = answer {
        answer
            .await
            .map_err(|_| Error::new(ErrorKind::Closed, "engine closed under a bench"))??;
    }
    Ok(())
}
