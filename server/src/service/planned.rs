//! Streams that should exist: made if they are missing, left alone if they are there.

use flowstone_engine::Engine;
use flowstone_engine::types::Timestamp;

use crate::service::address::StreamPath;
use crate::service::registry::{CreateError, CreateStream, Streams};
use crate::service::row::{Mode, StreamRow};
use crate::service::stream::Stream;

/// A stream that should exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedStream {
    /// Its name, with whose and where it is.
    pub path: StreamPath,
    /// What it is made of.
    pub spec: CreateStream,
    /// Hours that it keeps records.
    pub retention_hours: u32,
}

/// What became of a planned stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Planned {
    /// It was made.
    Made,
    /// It was there: the settings in which it is not as planned.
    WasThere(Vec<&'static str>),
}

impl PlannedStream {
    /// Makes the stream unless it is there; durable when this returns. Blocks on a flush.
    pub fn ensure(
        &self,
        streams: &Streams,
        engine: &Engine,
        now: Timestamp,
    ) -> Result<Planned, CreateError> {
        let key = self.path.key();
        if let Some(stream) = streams.find(key) {
            return Ok(Planned::WasThere(self.differences(&stream)));
        }
        streams.create_keeping(engine, now, key, self.spec.clone(), self.retention_hours)?;
        Ok(Planned::Made)
    }

    fn differences(&self, stream: &Stream) -> Vec<&'static str> {
        let CreateStream { shards, mode, record_kib_max, tags, .. } = &self.spec;
        let row: &StreamRow = &stream.row;
        // How many shards an on-demand stream has is not for its owner to say.
        let has_shards = *mode == Mode::OnDemand || stream.open_shards() == *shards as usize;
        [
            ("mode", row.mode == *mode),
            ("shards", has_shards),
            ("retention_hours", row.retention_hours == self.retention_hours),
            ("record_kib_max", row.record_kib_max == *record_kib_max),
            ("tags", row.tags == *tags),
        ]
        .into_iter()
        .filter(|(_, is_same)| !is_same)
        .map(|(name, _)| name)
        .collect()
    }
}
