//! One queue: receiving from it, and what consumers want of what they received.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use flowstone_engine::Engine;
use flowstone_engine::clock::Clock;
use flowstone_engine::error::{Error, ErrorKind, Result};
use flowstone_engine::types::{SeqNo, ShardId, Timestamp};
use tokio::sync::{Mutex, OwnedMutexGuard, Semaphore, watch};

use crate::service::iterator::Tokens;
use crate::service::queue::entry::Lane;
use crate::service::queue::event::Event;
use crate::service::queue::limits::{IN_FLIGHT_MAX, WAITING_MAX};
use crate::service::queue::live::Live;
use crate::service::queue::offload::Offload;
use crate::service::queue::receipt::{Receipt, Refusal, Wish, decide};
use crate::service::queue::row::QueueRow;
use crate::service::queue::select::{Ask, Run, Selection, Selector};
use crate::service::queue::settling::Settling;
use crate::service::queue::snapshot::Pace;
use crate::service::queue::state::Place;
use crate::service::registry::Streams;
use crate::service::row::ShardRow;
use crate::service::stream::Stream;

/// What all queues share.
#[derive(Clone)]
pub struct Context {
    /// The engine.
    pub engine: Engine,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where calls run that wait for the disk.
    pub offload: Offload,
    /// How snapshots go on.
    pub pace: Pace,
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("offload", &self.offload).finish_non_exhaustive()
    }
}

/// Where a queue is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueState {
    /// Its row and its log are being made.
    Creating,
    /// It delivers.
    Active,
    /// It is being deleted.
    Deleting,
}

/// What a receive is answered with.
#[derive(Clone, Debug, Default)]
pub struct Received {
    /// The records, durably in flight.
    pub runs: Vec<Run>,
    /// When the next record in flight is visible, in milliseconds since 1970.
    pub(super) next_visible_ms: Option<u64>,
    /// Where new records may come, shard by shard.
    pub(super) ends: Vec<(ShardId, SeqNo)>,
    /// The stream, where nothing was received.
    pub(super) stream: Option<Arc<Stream>>,
}

impl Received {
    /// Whether there is no record in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }
}

/// A queue.
#[derive(Debug)]
pub struct Queue {
    context: Context,
    /// What the catalog has of it, and where it is in its life.
    row: RwLock<(Arc<QueueRow>, QueueState)>,
    live: Arc<Mutex<Option<Live>>>,
    settling: Arc<Settling>,
    /// Counts the reasons to look again that nobody else tells: see [`Queue::ring`].
    pub(super) bell: watch::Sender<u64>,
    pub(super) waiting: Semaphore,
    /// Set when the server is about to stop: receives wait no more.
    is_stopping: Arc<AtomicBool>,
}

impl Queue {
    pub(super) fn new(
        context: Context,
        row: QueueRow,
        state: QueueState,
        is_stopping: &Arc<AtomicBool>,
    ) -> Queue {
        Queue {
            context,
            row: RwLock::new((Arc::new(row), state)),
            live: Arc::default(),
            settling: Arc::default(),
            bell: watch::Sender::new(0),
            waiting: Semaphore::new(WAITING_MAX),
            is_stopping: Arc::clone(is_stopping),
        }
    }

    /// What the catalog has of it.
    #[must_use]
    pub fn row(&self) -> Arc<QueueRow> {
        Arc::clone(&self.row.read().unwrap_or_else(PoisonError::into_inner).0)
    }

    /// Where it is in its life.
    #[must_use]
    pub fn state(&self) -> QueueState {
        self.row.read().unwrap_or_else(PoisonError::into_inner).1
    }

    pub(super) fn set(&self, row: Arc<QueueRow>, state: QueueState) {
        *self.row.write().unwrap_or_else(PoisonError::into_inner) = (row, state);
        self.ring();
    }

    /// Wakes the receives that wait: records may have become visible, or the queue has ended.
    pub fn ring(&self) {
        self.bell.send_modify(|rings| *rings = rings.wrapping_add(1));
    }

    /// What all queues share.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Receives what there is; durable when this returns. `NotFound` when queue or stream are gone.
    pub async fn receive(&self, streams: &Streams, ask: &Ask) -> Result<Received> {
        let Context { engine, offload, .. } = &self.context;
        let mut locked = self.lock().await?;
        // INVARIANT: the stream is looked up under the lock, so that it is not older than one that
        // any record in flight was received from.
        let row = self.row();
        let stream = streams.find_id(row.stream).filter(|stream| stream.is_serving());
        let stream = stream.ok_or_else(gone)?;
        let now_ms = self.context.clock.wall().0;
        let visibility_ms = ask.visibility_ms.unwrap_or(u64::from(row.visibility_s) * 1000);
        let visible_ms = now_ms.saturating_add(visibility_ms);

        let expired = locked.selector(engine, &stream, now_ms, visible_ms).expired()?;
        if !expired.is_empty() {
            // Nobody waits for it: it is before what follows in the log.
            drop(locked.live().append(engine, *offload, &expired).await?);
        }
        let is_resident = locked.selector(engine, &stream, now_ms, visible_ms).is_resident(ask);
        let (mut locked, selection) = if is_resident {
            let turn = locked.live().turn;
            let selection =
                locked.selector(engine, &stream, now_ms, visible_ms).select(ask, turn)?;
            (locked, selection)
        } else {
            let (engine, stream, ask) = (engine.clone(), Arc::clone(&stream), *ask);
            offload
                .run(move || {
                    let mut locked = locked;
                    let turn = locked.live().turn;
                    let selector = locked.selector(&engine, &stream, now_ms, visible_ms);
                    let selection = selector.select(&ask, turn)?;
                    Ok((locked, selection))
                })
                .await?
        };
        let Selection { events, runs, .. } = selection;
        if events.is_empty() {
            return Ok(self.nothing(&locked, stream, ask.lane));
        }
        let live = locked.live();
        live.turn = live.turn.wrapping_add(1);
        let before = live.next_visible();
        let ticket = live.append(engine, *offload, &events).await?;
        let is_sooner = live.next_visible() < before;
        drop(locked);
        if is_sooner {
            self.ring();
        }
        ticket.settled().await?;
        Ok(Received { runs, ..Received::default() })
    }

    /// Grants what wishes it can, each in its turn; durable when this returns. `None` stands for a
    /// text that is no receipt.
    pub async fn grant(
        &self,
        lane: Lane,
        wishes: &[(Option<Receipt>, Wish)],
    ) -> Result<Vec<Result<(), Refusal>>> {
        let Context { engine, offload, clock, .. } = &self.context;
        let mut locked = self.lock().await?;
        let now_ms = clock.wall().0;
        let id = self.row().id;
        let ours = |receipt: &Option<Receipt>| receipt.filter(|receipt| receipt.queue == id);
        let genuine: Vec<_> = wishes
            .iter()
            .filter_map(|(receipt, wish)| ours(receipt).map(|receipt| (receipt, *wish)))
            .collect();
        let live = locked.live();
        let (events, verdicts) = decide(&live.state, now_ms, lane, &genuine);
        if !events.is_empty() {
            let before = live.next_visible();
            let ticket = live.append(engine, *offload, &events).await?;
            let is_sooner = live.next_visible() < before;
            drop(locked);
            if is_sooner {
                self.ring();
            }
            ticket.settled().await?;
        }
        let mut verdicts = verdicts.into_iter();
        Ok(wishes
            .iter()
            .map(|(receipt, _)| {
                ours(receipt).and_then(|_| verdicts.next()).unwrap_or(Err(Refusal::Foreign))
            })
            .collect())
    }

    /// A receipt for each record of `received`, in their order.
    #[must_use]
    pub fn receipts(&self, tokens: &Tokens, received: &Received, lane: Lane) -> Vec<String> {
        let (now, queue) = (self.now(), self.row().id);
        let records = received.runs.iter().flat_map(|run| {
            run.read.records().zip(&run.entries).map(|(record, entry)| (run.shard, record, entry))
        });
        records
            .map(|(shard, record, entry)| {
                let place = Place { shard, seq: record.seq.0 };
                let receipt = Receipt { queue, place, delivery: entry.deliveries, lane };
                tokens.seal_receipt(now, &receipt)
            })
            .collect()
    }

    /// Records in flight, dead letters included.
    pub async fn in_flight(&self) -> Result<u64> {
        Ok(self.lock().await?.live().state.in_flight())
    }

    /// Sets after how many receives records become dead letters, once `commit` has made that
    /// durable. Records that are dead letters by now stay so.
    pub(super) async fn set_receive_count_max(
        &self,
        max: Option<u32>,
        commit: impl FnOnce() -> Result<()> + Send + 'static,
    ) -> Result<()> {
        let Context { engine, offload, clock, .. } = &self.context;
        let mut locked = self.lock().await?;
        let live = locked.live();
        if let Some(receive_count) = live.state.receive_count_max().filter(|old| Some(*old) != max)
        {
            let event = Event::Buried { receive_count, at_ms: clock.wall().0 };
            live.append(engine, *offload, &[event]).await?.settled().await?;
        }
        offload.run(commit).await?;
        live.state.set_receive_count_max(max);
        Ok(())
    }

    /// The queue in memory, read from its log if need be, for one at a time.
    async fn lock(&self) -> Result<Locked> {
        let mut live = Arc::clone(&self.live).lock_owned().await;
        if self.state() != QueueState::Active {
            return Err(gone());
        }
        if self.settling.has_failed() {
            *live = None;
        }
        if live.is_none() {
            // ORDER: nothing is under way while the log is read, so that the log has all of it.
            self.settling.quiet().await;
            let (context, row) = (self.context.clone(), self.row());
            let settling = Arc::clone(&self.settling);
            let open = move || Live::open(&context.engine, &row, &settling, context.pace);
            let opened = self.context.offload.run(open).await?;
            self.settling.reset();
            *live = Some(opened);
        }
        Ok(Locked(live))
    }

    /// An answer without records, with what to wait for.
    fn nothing(&self, locked: &Locked, stream: Arc<Stream>, lane: Lane) -> Received {
        let state = &locked.0.as_ref().expect("a locked queue is in memory").state;
        let has_room = lane == Lane::Normal && state.in_flight() < IN_FLIGHT_MAX;
        let shards = stream.row.shards.iter().filter(|shard| has_room && shard.closed_ms.is_none());
        let end = |shard: &ShardRow| {
            // Records that expired before anybody received them are none to wait for.
            let marks = self.context.engine.watermarks(shard.log());
            let horizon = marks.map_or(SeqNo(0), |marks| marks.trim_horizon);
            (shard.log(), horizon.max(SeqNo(state.cursor(shard.index))))
        };
        let ends = shards.map(end).collect();
        let next_visible_ms = state.next_visible_ms(lane);
        Received { runs: Vec::new(), next_visible_ms, ends, stream: Some(stream) }
    }

    /// Whether the server is about to stop.
    pub(super) fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::SeqCst)
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.context.clock.wall()
    }
}

/// A queue in memory that nobody else changes meanwhile.
struct Locked(OwnedMutexGuard<Option<Live>>);

impl Locked {
    fn live(&mut self) -> &mut Live {
        self.0.as_mut().expect("a locked queue is in memory")
    }

    fn selector<'a>(
        &'a self,
        engine: &'a Engine,
        stream: &'a Stream,
        now_ms: u64,
        visible_ms: u64,
    ) -> Selector<'a> {
        let state = &self.0.as_ref().expect("a locked queue is in memory").state;
        Selector { engine, stream, state, now_ms, visible_ms }
    }
}

pub(super) fn gone() -> Error {
    Error::new(ErrorKind::NotFound, "there is no such queue, or its stream is gone")
}
