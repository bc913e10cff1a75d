//! A queue in memory: its state, with the log that makes it durable.

use flowstone_engine::Engine;
use flowstone_engine::error::{Error, ErrorKind, Result};

use crate::service::queue::entry::Lane;
use crate::service::queue::event::Event;
use crate::service::queue::log::{DeliveryLog, trim};
use crate::service::queue::offload::Offload;
use crate::service::queue::row::QueueRow;
use crate::service::queue::settling::{Settling, Ticket};
use crate::service::queue::snapshot::Pace;
use crate::service::queue::state::State;

use std::sync::Arc;

/// Times that a log is read anew because it is trimmed meanwhile.
const TRIMMED_RETRIES_MAX: u32 = 8;

/// A queue in memory.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) state: State,
    log: DeliveryLog,
    /// Where the next receive begins to look for new records.
    pub(super) turn: usize,
}

impl Live {
    /// Reads the queue from its log. Blocks.
    pub(super) fn open(
        engine: &Engine,
        row: &QueueRow,
        settling: &Arc<Settling>,
        pace: Pace,
    ) -> Result<Live> {
        for _ in 0..TRIMMED_RETRIES_MAX {
            let mut state = State::new(&row.cursors, row.receive_count_max);
            match DeliveryLog::open(engine, row.log(), settling, pace, &mut state) {
                Ok(log) => {
                    tracing::debug!(
                        queue = row.id,
                        records = log.replayed.0,
                        bytes = log.replayed.1,
                        in_flight = state.in_flight(),
                        "read a queue's delivery log"
                    );
                    return Ok(Live { state, log, turn: 0 });
                }
                Err(error) if error.kind() == ErrorKind::Trimmed => {}
                Err(error) => return Err(error),
            }
        }
        Err(Error::new(ErrorKind::Unavailable, "a delivery log keeps being trimmed"))
    }

    /// Makes events happen, and trims the log when a snapshot allows it.
    pub(super) async fn append(
        &mut self,
        engine: &Engine,
        offload: Offload,
        events: &[Event],
    ) -> Result<Ticket> {
        if let Some(before) = self.log.trim_point() {
            let (engine, shard) = (engine.clone(), self.log.shard);
            offload.start(move || {
                if let Err(error) = trim(&engine, shard, before) {
                    // The next snapshot trims more.
                    tracing::warn!(%error, "a delivery log was not trimmed");
                }
            });
        }
        self.log.append(engine, &mut self.state, events).await
    }
}

impl Live {
    /// When the first record of each lane is visible; later than any time when there is none.
    pub(super) fn next_visible(&self) -> u64 {
        let next = Lane::ALL.map(|lane| self.state.next_visible_ms(lane).unwrap_or(u64::MAX));
        next[0].min(next[1])
    }
}
