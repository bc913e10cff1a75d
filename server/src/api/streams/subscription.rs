//! A subscription to a shard: events pushed from the commit path until five minutes have passed.
//!
//! ```text
//!   connection has room --> next event:  records there?  --> one event of them
//!                                        end of shard?   --> the last event, with the children
//!                                        else wait for: a commit | 5 s | sent away | the end
//! ```
//!
//! Nothing polls: the wait is for the shard's high watermark. Nothing is read ahead: the connection
//! asks for the next event when it has sent the one before, so a reader that does not read holds one
//! event and nobody else. Events of more than [`EVENT_BYTES_FREE`] share a budget of bytes, those
//! below always have room, so that readers that do not read cannot stop the others.
//!
//! **Invariant** `ContinuationSequenceNumber` is where the next event begins, also in an event
//! without records: a reader that comes back behind it misses nothing.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use flowstone_engine::error::Error;
use flowstone_engine::shard::{Read, ReadLimit};
use flowstone_engine::types::SeqNo;
use futures_util::Stream as EventStream;
use futures_util::stream::unfold;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep_until};

use crate::api::streams::State;
use crate::api::streams::error::{stream_in_use, stream_not_found};
use crate::api::streams::records::{behind_ms, write_children, write_records};
use crate::service::{Ended, Seat, SequenceNumber, ShardRow, Stream};
use crate::wire::{Exception, Writer, event_stream};

/// How long a subscription lasts.
const LIFE: Duration = Duration::from_secs(300);

/// Time without an event.
const SILENCE_MAX: Duration = Duration::from_secs(5);

/// Bytes of keys and data in an event for which there is always room.
const EVENT_BYTES_FREE: usize = 32 * 1024;

/// Bytes of keys and data in an event, unless its only record is larger.
const EVENT_BYTES_MAX: usize = 1024 * 1024;

/// Records in an event.
const EVENT_RECORDS_MAX: usize = 10_000;

/// Bytes that a record takes beyond its base64: names, sequence number, time.
const RECORD_FRAME_BYTES: usize = 192;

/// Bytes of an event beyond its records.
const EVENT_FRAME_BYTES: usize = 512;

/// One reader of one shard.
pub(super) struct Subscription {
    state: Arc<State>,
    stream: Arc<Stream>,
    shard: ShardRow,
    position: SeqNo,
    seat: Seat,
    ends: Instant,
    silent_since: Instant,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The answer has not begun.
    New,
    /// Events go out.
    Open,
    /// The last event is out.
    Over,
}

/// An event's bytes with what they are accounted under.
struct Held {
    bytes: Bytes,
    _hold: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Subscription {
    /// A reader of `shard` from `position` on.
    pub(super) fn new(
        state: Arc<State>,
        stream: Arc<Stream>,
        shard: ShardRow,
        position: SeqNo,
        seat: Seat,
    ) -> Subscription {
        let now = Instant::now();
        let ends = now + LIFE;
        Subscription {
            state,
            stream,
            shard,
            position,
            seat,
            ends,
            silent_since: now,
            stage: Stage::New,
        }
    }

    /// Its events as frames.
    pub(super) fn events(self) -> impl EventStream<Item = Bytes> + Send + 'static {
        unfold(self, |mut subscription| async move {
            let event = subscription.next().await?;
            Some((event, subscription))
        })
    }

    async fn next(&mut self) -> Option<Bytes> {
        match self.stage {
            Stage::New => {
                self.stage = Stage::Open;
                Some(event_stream::initial_response())
            }
            Stage::Open => match self.event().await {
                Ok(event) => {
                    self.silent_since = Instant::now();
                    event
                }
                Err(exception) => {
                    self.stage = Stage::Over;
                    tracing::debug!(code = exception.code, "subscription ended");
                    Some(event_stream::exception(&exception))
                }
            },
            Stage::Over => None,
        }
    }

    /// The next event; none when the time is up or the server stops.
    async fn event(&mut self) -> Result<Option<Bytes>, Exception> {
        loop {
            if let Some(ended) = self.seat.is_ended() {
                return Err(self.sent_away(ended));
            }
            if Instant::now() >= self.ends {
                self.stage = Stage::Over;
                return Ok(None);
            }
            self.look_again()?;
            let (read, hold) = self.read().await?;
            let is_at_end = read.next() >= read.watermarks().high_watermark;
            let is_over = self.shard.closed_ms.is_some() && is_at_end;
            let is_silent = self.silent_since.elapsed() >= SILENCE_MAX;
            if read.count() > 0 || is_over || is_silent {
                self.position = read.next().max(self.position);
                if is_over {
                    self.stage = Stage::Over;
                }
                let event = self.frame(&read, is_at_end, is_over);
                return Ok(Some(match hold {
                    Some(hold) => Bytes::from_owner(Held { bytes: event, _hold: hold }),
                    None => event,
                }));
            }
            drop((read, hold));
            let silence_ends = (self.silent_since + SILENCE_MAX).min(self.ends);
            tokio::select! {
                // A shard that was closed or deleted meanwhile shows when it is looked at again.
                _ = self.state.wait_for(&self.stream, self.shard.log(), self.position) => {}
                () = sleep_until(silence_ends) => {}
                ended = self.seat.ended() => return Err(self.sent_away(ended)),
                () = self.state.stopped() => {
                    self.stage = Stage::Over;
                    return Ok(None);
                }
            }
        }
    }

    /// Sees what became of the stream since.
    fn look_again(&mut self) -> Result<(), Exception> {
        let row = &self.stream.row;
        let gone = || stream_not_found(&row.name, &row.account);
        let stream = self.state.streams.find_id(row.id).ok_or_else(gone)?;
        if !Arc::ptr_eq(&stream, &self.stream) {
            self.shard = stream.shard(self.shard.index).ok_or_else(gone)?.clone();
            self.stream = stream;
        }
        Ok(())
    }

    /// What there is to read, within what there is room for.
    async fn read(&self) -> Result<(Read, Option<OwnedSemaphorePermit>), Error> {
        let limit = |bytes| ReadLimit { records: EVENT_RECORDS_MAX, bytes };
        let (log, position) = (self.shard.log(), self.position);
        let read = self.state.read(log, position, limit(EVENT_BYTES_FREE)).await?;
        let is_all = read.next() >= read.watermarks().high_watermark;
        if read.bytes() > EVENT_BYTES_FREE {
            // A record that is larger alone has to wait for its room.
            let hold = self.state.fan_out_room(read.bytes()).await;
            return Ok((read, Some(hold)));
        }
        if is_all {
            return Ok((read, None));
        }
        match self.state.fan_out_room_now(EVENT_BYTES_MAX) {
            Some(hold) => {
                let read = self.state.read(log, position, limit(EVENT_BYTES_MAX)).await?;
                Ok((read, Some(hold)))
            }
            None => Ok((read, None)),
        }
    }

    fn frame(&self, read: &Read, is_at_end: bool, is_over: bool) -> Bytes {
        let count = usize::try_from(read.count()).unwrap_or(usize::MAX);
        let bytes = read.bytes().div_ceil(3) * 4
            + count.saturating_mul(RECORD_FRAME_BYTES)
            + EVENT_FRAME_BYTES;
        let now = self.state.now();
        event_stream::event("SubscribeToShardEvent", bytes, |out: &mut Writer| {
            out.begin_map();
            write_records(out, &self.stream, &self.shard, read);
            if is_over {
                write_children(out, &self.stream, &self.shard);
            } else {
                let number = SequenceNumber {
                    shard_created_s: self.shard.created_s(),
                    shard_index: self.shard.index,
                    counter: self.position.0,
                    record_s: (now.0 / 1000).max(self.shard.created_s()),
                };
                out.text("ContinuationSequenceNumber", number.digits().as_str());
            }
            out.integer("MillisBehindLatest", behind_ms(read, now, is_at_end));
            out.end_map();
        })
    }

    fn sent_away(&self, ended: Ended) -> Exception {
        let row = &self.stream.row;
        match ended {
            Ended::TakenOver => stream_in_use(format!(
                "Another active subscription exists for this consumer on shard {} of stream {} \
                 under account {}.",
                self.shard.name(),
                row.name,
                row.account
            )),
            Ended::Deregistered => {
                Exception::client("ResourceNotFoundException", "The consumer was deregistered.")
            }
        }
    }
}
