//! A subscription to a shard: events pushed from the commit path until five minutes have passed.
//!
//! ```text
//!   connection has room --> next event:  records there?  --> one event of them
//!                                        end of shard?   --> the last event, with the children
//!                                        else wait for: a commit | 5 s | sent away | the end
//! ```
//!
//! Nothing polls: the wait is for the shard's high watermark. Nothing is read ahead: the next piece
//! is made when the one before is sent, so a reader that does not read holds one piece and nobody
//! else. An event of more than a piece shares a budget of bytes ([`FanOut`]) until its last piece is
//! on its way; smaller ones always have room, so that readers that do not read cannot stop the
//! others.
//!
//! **Invariant** `ContinuationSequenceNumber` is where the next event begins, also in an event
//! without records: a reader that comes back behind it misses nothing.
//! **Invariant** a piece stands in memory of its own: sent in part, it keeps no event alive.
//!
//! [`FanOut`]: crate::api::streams::fan_out::FanOut

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use flowstone_engine::error::Error;
use flowstone_engine::shard::{Read, ReadLimit};
use flowstone_engine::types::SeqNo;
use futures_util::Stream as EventStream;
use futures_util::stream::unfold;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};

use crate::api::streams::State;
use crate::api::streams::error::{in_events, shard_not_found, stream_in_use, stream_not_found};
use crate::api::streams::fan_out::Room;
use crate::api::streams::records::{behind_ms, write_children, write_records};
use crate::service::limits::Pace;
use crate::service::{Ended, Mode, Seat, SequenceNumber, ShardRow, Stream};
use crate::wire::{Exception, Writer, event_stream};

/// How long a subscription lasts.
const LIFE: Duration = Duration::from_secs(300);

/// Time without an event.
const SILENCE_MAX: Duration = Duration::from_secs(5);

/// What an event takes for which there is always room: about a piece.
const SMALL: ReadLimit = ReadLimit { records: 64, bytes: 16 * 1024 };

/// What an event takes, unless its only record is larger.
const LARGE: ReadLimit = ReadLimit { records: 10_000, bytes: 1024 * 1024 };

/// Bytes that are handed to the connection at once.
const PIECE_BYTES: usize = 32 * 1024;

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
    /// The latest second that a continuation has carried: they do not go back with the clock.
    continued_s: u64,
    pace: Pace,
    stage: Stage,
    /// What is left of a large event.
    rest: Option<Room>,
    /// Its one permit goes with each piece, and comes back when that is sent.
    sent: Arc<Semaphore>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The answer has not begun.
    New,
    /// Events go out.
    Open,
    /// The last event is out, but for what is left of it.
    Over,
}

/// What there is to send.
enum Found {
    /// These records, maybe none; a large event with the room for it.
    Records(Read, Option<Room>),
    /// A record that has to wait for its room.
    Crowded {
        /// Bytes of room that it needs.
        bytes: usize,
        /// How far that leaves the reader behind.
        behind_ms: u64,
    },
}

/// Bytes on their way to the connection.
struct Piece {
    bytes: Bytes,
    _sent: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Piece {
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
        // What is on demand is as fast as the machine.
        let pace = state.throttle.pace(stream.row.mode == Mode::Provisioned);
        Subscription {
            state,
            stream,
            continued_s: shard.created_s(),
            shard,
            position,
            seat,
            ends: now + LIFE,
            silent_since: now,
            pace,
            stage: Stage::New,
            rest: None,
            sent: Arc::new(Semaphore::new(1)),
        }
    }

    /// Its events as frames, in pieces.
    pub(super) fn events(self) -> impl EventStream<Item = Bytes> + Send + 'static {
        unfold(self, |mut subscription| async move {
            let piece = subscription.next().await?;
            Some((piece, subscription))
        })
    }

    async fn next(&mut self) -> Option<Bytes> {
        let sent = Arc::clone(&self.sent).acquire_owned().await;
        let sent = sent.expect("the semaphore is never closed");
        let bytes = match (&self.rest, self.stage) {
            (Some(_), _) => self.next_piece(),
            (None, Stage::New) => {
                self.stage = Stage::Open;
                Some(event_stream::initial_response())
            }
            (None, Stage::Open) => match self.event().await {
                Ok(event) => event,
                Err(exception) => {
                    self.stage = Stage::Over;
                    tracing::debug!(code = exception.code, "subscription ended");
                    Some(event_stream::exception(&in_events(exception)))
                }
            },
            (None, Stage::Over) => None,
        }?;
        Some(Bytes::from_owner(Piece { bytes, _sent: sent }))
    }

    /// The next piece of a large event. None when its room was taken back: the answer ends short of
    /// a whole event.
    fn next_piece(&mut self) -> Option<Bytes> {
        let Some((piece, has_more)) = self.rest.as_ref()?.take(PIECE_BYTES) else {
            tracing::debug!("subscription ended: others needed the room of an event not taken");
            self.rest = None;
            self.stage = Stage::Over;
            return None;
        };
        if !has_more {
            self.rest = None;
            self.silent_since = Instant::now();
        }
        Some(piece)
    }

    /// The next event, or the first piece of it; none when the time is up or the server stops.
    async fn event(&mut self) -> Result<Option<Bytes>, Exception> {
        let mut room = None;
        loop {
            if let Some(ended) = self.seat.is_ended() {
                return Err(self.sent_away(ended));
            }
            if Instant::now() >= self.ends {
                self.stage = Stage::Over;
                return Ok(None);
            }
            self.look_again()?;
            let is_silent = self.silent_since.elapsed() >= SILENCE_MAX;
            let silence_ends = (self.silent_since + SILENCE_MAX).min(self.ends);
            let wait_ms = self.pace.ready_in_ms(self.state.clock.monotonic_ms());
            // An event is due after some silence, however slow the pace is.
            if wait_ms > 0 && !is_silent {
                // Who has to wait takes no room from the others meanwhile.
                room = None;
                let ready = Instant::now() + Duration::from_millis(wait_ms);
                tokio::select! {
                    () = sleep_until(ready.min(silence_ends)) => continue,
                    ended = self.seat.ended() => return Err(self.sent_away(ended)),
                    () = self.state.stopped() => {
                        self.stage = Stage::Over;
                        return Ok(None);
                    }
                }
            }
            let crowded = match self.find(room.take()).await? {
                Found::Records(read, room) => {
                    let is_at_end = read.next() >= read.watermarks().high_watermark;
                    let is_over = self.shard.closed_ms.is_some() && is_at_end;
                    // Retention may have passed the position, also when there is nothing to send.
                    let before = self.position;
                    self.position = read.next().max(before);
                    if read.count() > 0 || is_over || is_silent {
                        let behind_ms = behind_ms(&read, self.state.now(), is_at_end);
                        let event = self.frame(Some(&read), behind_ms, is_over);
                        if room.as_ref().is_some_and(|room| !room.fill(event.clone())) {
                            // Taken back while it was read: once more.
                            self.position = before;
                            continue;
                        }
                        if is_over {
                            self.stage = Stage::Over;
                        }
                        self.pace.count(read.bytes() as u64);
                        return Ok(self.send(event, room));
                    }
                    None
                }
                Found::Crowded { behind_ms, .. } if is_silent => {
                    let event = self.frame(None, behind_ms, false);
                    return Ok(self.send(event, None));
                }
                Found::Crowded { bytes, .. } => Some(bytes),
            };
            let (state, stream, shard) = (&self.state, &self.stream, self.shard.log());
            let more = async {
                match crowded {
                    Some(bytes) => Ok(Some(state.fan_out.room(bytes).await)),
                    // A shard that was closed or deleted meanwhile shows when it is looked at again.
                    None => state.wait_for(stream, shard, self.position).await.map(|()| None),
                }
            };
            tokio::select! {
                more = more => room = more?,
                () = sleep_until(silence_ends) => {}
                ended = self.seat.ended() => return Err(self.sent_away(ended)),
                () = self.state.stopped() => {
                    self.stage = Stage::Over;
                    return Ok(None);
                }
            }
        }
    }

    /// What goes out of an event at once: all of a small one, a piece of one that is in its room.
    fn send(&mut self, event: Bytes, room: Option<Room>) -> Option<Bytes> {
        self.rest = room;
        if self.rest.is_some() {
            return self.next_piece();
        }
        self.silent_since = Instant::now();
        Some(event)
    }

    /// Sees what became of the stream since.
    fn look_again(&mut self) -> Result<(), Exception> {
        let row = &self.stream.row;
        let gone = || stream_not_found(&row.name, &row.account);
        let stream = self.state.streams.find_id(row.id).ok_or_else(gone)?;
        if !Arc::ptr_eq(&stream, &self.stream) {
            let expired = || shard_not_found(&self.shard.name(), &row.name, &row.account);
            self.shard = stream.shard(self.shard.index).ok_or_else(expired)?.clone();
            self.stream = stream;
        }
        Ok(())
    }

    /// What there is to send within what there is room for, `room` at first.
    async fn find(&self, room: Option<Room>) -> Result<Found, Error> {
        let (log, position) = (self.shard.log(), self.position);
        let read = self.state.read(log, position, SMALL).await?;
        if read.bytes() > SMALL.bytes {
            // One record that is larger alone. It is not kept while it waits.
            let bytes = frame_bytes(read.bytes(), count(&read));
            let room = room.or_else(|| self.state.fan_out.room_now(bytes));
            return Ok(match room {
                Some(room) => Found::Records(read, Some(room)),
                None => {
                    let behind_ms = behind_ms(&read, self.state.now(), false);
                    Found::Crowded { bytes, behind_ms }
                }
            });
        }
        if read.next() >= read.watermarks().high_watermark {
            return Ok(Found::Records(read, None));
        }
        let room = self.state.fan_out.room_now(frame_bytes(LARGE.bytes, LARGE.records));
        let Some(room) = room else { return Ok(Found::Records(read, None)) };
        let read = self.state.read(log, position, LARGE).await?;
        Ok(Found::Records(read, Some(room)))
    }

    /// The frame of an event, which begins at the position unless it has records.
    fn frame(&mut self, read: Option<&Read>, behind_ms: u64, is_over: bool) -> Bytes {
        let now_s = self.state.now().0 / 1000;
        let arrived_s = read.and_then(|read| read.watermarks().newest_arrival);
        let arrived_s = arrived_s.map_or(0, |arrival| arrival.0 / 1000);
        self.continued_s = self.continued_s.max(now_s).max(arrived_s);
        let (stream, shard) = (&self.stream, &self.shard);
        let bytes = read.map_or(EVENT_FRAME_BYTES, |read| frame_bytes(read.bytes(), count(read)));
        event_stream::event("SubscribeToShardEvent", bytes, |out: &mut Writer| {
            out.begin_map();
            match read {
                Some(read) => write_records(out, stream, shard, read),
                None => {
                    out.begin_list_in("Records");
                    out.end_list();
                }
            }
            if is_over {
                write_children(out, stream, shard);
            } else {
                let number = SequenceNumber {
                    shard_created_s: shard.created_s(),
                    shard_index: shard.index,
                    counter: self.position.0,
                    record_s: self.continued_s,
                };
                out.text("ContinuationSequenceNumber", number.digits().as_str());
            }
            out.integer("MillisBehindLatest", behind_ms);
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

fn count(read: &Read) -> usize {
    usize::try_from(read.count()).unwrap_or(usize::MAX)
}

/// Bytes of an event with `records` of `bytes` of keys and data.
fn frame_bytes(bytes: usize, records: usize) -> usize {
    bytes.div_ceil(3) * 4 + records.saturating_mul(RECORD_FRAME_BYTES) + EVENT_FRAME_BYTES
}

#[cfg(test)]
mod tests;
