//! Reading and seeking across runs and tail.

use crate::error::{Error, ErrorKind, Result};
use crate::frame::{Frame, RECORD_HEADER_BYTES};
use crate::segment::BlockCache;
use crate::shard::log::{Run, ShardLog, State, quarantined};
use crate::shard::read::{Read, ReadFrom, ReadLimit};
use crate::types::{SeqNo, Timestamp};

/// Where some records are.
enum Source {
    Frames(Vec<Frame>),
    Run(Run),
}

impl ShardLog {
    /// The sequence number that `from` means. Records that arrived before `expired_before` count as
    /// gone.
    pub fn resolve(
        &self,
        from: ReadFrom,
        expired_before: Timestamp,
        cache: &BlockCache,
    ) -> Result<SeqNo> {
        let horizon = self.advance_trim_horizon(expired_before, cache)?;
        let (high_watermark, is_deleted) = {
            let state = self.state();
            (state.high_watermark, state.is_deleted)
        };
        if is_deleted {
            return Err(self.deleted());
        }
        match from {
            ReadFrom::TrimHorizon => Ok(horizon),
            ReadFrom::Latest => Ok(high_watermark),
            ReadFrom::At(seq) | ReadFrom::After(seq) => {
                let seq = if matches!(from, ReadFrom::After(_)) { seq.plus(1) } else { seq };
                if seq < horizon { Err(self.trimmed(seq, horizon)) } else { Ok(seq) }
            }
            ReadFrom::AtTime(time) => Ok(self.seek_time(time, cache)?.max(horizon)),
        }
    }

    /// Records from `from` on.
    pub fn read(
        &self,
        from: SeqNo,
        limit: ReadLimit,
        expired_before: Timestamp,
        cache: &BlockCache,
    ) -> Result<Read> {
        let mut read =
            Read { frames: Vec::new(), from, next: from, watermarks: self.watermarks(), bytes: 0 };
        let mut records_left = limit.records;
        loop {
            let found = {
                let state = self.state();
                let left = ReadLimit {
                    records: records_left,
                    bytes: limit.bytes.saturating_sub(read.bytes),
                };
                self.locate(&state, read.next, left)
            };
            let frames = match found {
                Ok(None) => return Ok(read),
                Ok(Some(Source::Frames(frames))) => frames,
                Ok(Some(Source::Run(run))) => {
                    let wanted = limit.bytes.saturating_sub(read.bytes);
                    match run.segment.frames(self.id(), read.next, wanted, cache) {
                        Ok(frames) => frames,
                        // What was found before the trouble is good; the next read meets it.
                        Err(_) if read.count() > 0 => return Ok(read),
                        Err(error) => return Err(error),
                    }
                }
                Err(_) if read.count() > 0 => return Ok(read),
                Err(error) => return Err(error),
            };
            if let Some(first) = frames.first()
                && read.count() == 0
                && first.header().arrival < expired_before
            {
                let horizon = self.advance_trim_horizon(expired_before, cache)?;
                return Err(self.trimmed(from, horizon));
            }
            let before = read.next;
            if !take(&mut read, frames, &mut records_left, limit.bytes) || read.next == before {
                return Ok(read);
            }
        }
    }

    /// Whether a read from `from` stays in memory.
    #[must_use]
    pub fn is_resident(&self, from: SeqNo) -> bool {
        let state = self.state();
        from >= state.high_watermark
            || state.tail.front().is_some_and(|frame| frame.header().first_seq <= from)
    }

    /// Where the records from `from` on are, as many as `limit` wants; `None` at the end.
    fn locate(&self, state: &State, from: SeqNo, limit: ReadLimit) -> Result<Option<Source>> {
        if state.is_deleted {
            return Err(self.deleted());
        }
        if from < state.trim_horizon {
            return Err(self.trimmed(from, state.trim_horizon));
        }
        if let Some(quarantine) = &state.quarantine
            && from >= quarantine.from
        {
            return Err(quarantined(self.id(), quarantine));
        }
        if from >= state.high_watermark {
            return Ok(None);
        }
        let at = state.tail.partition_point(|frame| frame.header().end_seq() <= from);
        if let Some(first) = state.tail.get(at).filter(|frame| frame.holds(from)) {
            let mut frames = vec![first.clone()];
            let mut gathered = first.payload().len();
            for frame in state.tail.range(at + 1..) {
                // One frame more than the bytes need, because the first may begin before `from`.
                let until = frames.last().map_or(from, |frame: &Frame| frame.header().end_seq());
                if gathered > limit.bytes.saturating_add(first.payload().len())
                    || until.0 - from.0 >= limit.records as u64
                {
                    break;
                }
                gathered += frame.payload().len();
                frames.push(frame.clone());
            }
            return Ok(Some(Source::Frames(frames)));
        }
        let at = state.runs.partition_point(|run| run.end_seq <= from);
        match state.runs.get(at).filter(|run| run.first_seq <= from) {
            Some(run) => Ok(Some(Source::Run(run.clone()))),
            None => {
                let message = format!("records are missing from sequence number {from}");
                Err(Error::new(ErrorKind::Corrupt, message).in_shard(self.id()))
            }
        }
    }

    /// The first record that arrived at `time` or later; the high watermark when there is none.
    fn seek_time(&self, time: Timestamp, cache: &BlockCache) -> Result<SeqNo> {
        let (run, in_tail, lost) = {
            let state = self.state();
            let lost = state.lost.iter().find(|lost| lost.last_arrival >= time).copied();
            let at = state.runs.partition_point(|run| run.last_arrival < time);
            let in_tail = state
                .tail
                .get(state.tail.partition_point(|frame| frame.header().arrival < time))
                .map_or(state.high_watermark, |frame| frame.header().first_seq);
            (state.runs.get(at).cloned(), in_tail, lost)
        };
        let next_run = run.as_ref().map_or(in_tail, |run| run.first_seq);
        match (lost, run) {
            // Records that cannot be read are met, not passed over.
            (Some(lost), _) if lost.first_seq < next_run => Ok(lost.first_seq),
            (_, Some(run)) => Ok(run.segment.seek_time(self.id(), time, cache)?.unwrap_or(in_tail)),
            (_, None) => Ok(in_tail),
        }
    }

    /// Moves the trim horizon to the first record that arrived at `expired_before` or later, and
    /// answers it.
    pub fn advance_trim_horizon(
        &self,
        expired_before: Timestamp,
        cache: &BlockCache,
    ) -> Result<SeqNo> {
        if expired_before == Timestamp(0) {
            return Ok(self.state().trim_horizon);
        }
        let alive = self.seek_time(expired_before, cache)?;
        self.trim_to(alive);
        Ok(self.state().trim_horizon)
    }

    fn deleted(&self) -> Error {
        Error::new(ErrorKind::NotFound, "shard was deleted").in_shard(self.id())
    }

    fn trimmed(&self, seq: SeqNo, horizon: SeqNo) -> Error {
        let message =
            format!("sequence number {seq} is past retention, the trim horizon is {horizon}");
        Error::new(ErrorKind::Trimmed, message).in_shard(self.id())
    }
}

/// Adds the records of `frames` to `read` within the limits. Says whether there is room for more.
fn take(read: &mut Read, frames: Vec<Frame>, records_left: &mut usize, bytes_max: usize) -> bool {
    for frame in frames {
        let header = *frame.header();
        if !frame.holds(read.next) {
            return false;
        }
        // Not below `next`: the high watermark may have passed it only since the read began.
        let until = header.end_seq().min(read.watermarks.high_watermark).max(read.next);
        let whole = frame.payload().len() - header.count as usize * RECORD_HEADER_BYTES;
        let starts_here = header.first_seq == read.next;
        if starts_here
            && until == header.end_seq()
            && header.count as usize <= *records_left
            && read.bytes + whole <= bytes_max
        {
            // PERF: a frame that fits whole needs no walk over its records.
            read.bytes += whole;
            *records_left -= header.count as usize;
            read.next = until;
            read.frames.push(frame);
            continue;
        }
        let (taken, has_room) = take_some(read, &frame, until, records_left, bytes_max);
        if taken > 0 {
            read.next = read.next.plus(taken);
            read.frames.push(frame);
        }
        if !has_room {
            return false;
        }
    }
    *records_left > 0 && read.bytes < bytes_max
}

/// How many records of `frame` from `read.next` on fit, and whether all that are wanted did.
fn take_some(
    read: &mut Read,
    frame: &Frame,
    until: SeqNo,
    records_left: &mut usize,
    bytes_max: usize,
) -> (u64, bool) {
    let skipped = usize::try_from(read.next.0 - frame.header().first_seq.0).unwrap_or(usize::MAX);
    let wanted = until.0 - read.next.0;
    let mut taken = 0;
    for record in frame.records().skip(skipped) {
        if taken == wanted {
            break;
        }
        let bytes = record.key.len() + record.data.len();
        let is_first = read.count() == 0 && taken == 0;
        if *records_left == 0 || (!is_first && read.bytes + bytes > bytes_max) {
            return (taken, false);
        }
        read.bytes += bytes;
        *records_left -= 1;
        taken += 1;
    }
    (taken, true)
}
