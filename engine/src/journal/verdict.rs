//! What bad regions mean: torn tail or corruption.
//!
//! Every frame says up to where the journal was durable when it was built (`durable_upto`), and
//! every file header says up to where the file before is durable; the catalog says where records
//! ended when it last noted that. The highest such position is the *evidence*. A bad region that begins below the evidence was durable once, perhaps acknowledged:
//! that is corruption. The first bad region at or past it is where the log ends: nothing from there
//! on can have been acknowledged, because acknowledgements go out in the order of positions and
//! each later frame would carry the evidence.

use crate::frame::{Frame, FrameKind};
use crate::journal::header::{COMMITS_BEGIN, FileHeader};
use crate::journal::scan::{BadRegion, Item};
use crate::planted::{Bug, is_planted};
use crate::types::{FileSeq, JournalPosition, SeqNo, ShardId};

/// A live journal file after scanning.
#[derive(Debug)]
pub struct ScannedFile {
    /// Its header.
    pub header: FileHeader,
    /// What is in it, in order.
    pub items: Vec<Item>,
    /// Its length.
    pub bytes: u32,
}

/// Bytes below the evidence that are not what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damage {
    /// In which journal file.
    pub file: FileSeq,
    /// The first bad byte.
    pub start: u32,
    /// The first byte behind that is good again.
    pub end: u32,
    /// Whose records were there, where that can be known.
    pub shard: Option<ShardId>,
    /// The first of the lost records, where that can be known.
    pub first_seq: Option<SeqNo>,
}

/// What the journal says.
#[derive(Debug, Default)]
pub struct Verdict {
    /// The believed frames of records, in the order of the journal.
    pub frames: Vec<Frame>,
    /// What was acknowledged, perhaps, and is not there any more.
    pub damages: Vec<Damage>,
    /// Where the log ends; everything below is believed.
    pub end: JournalPosition,
    /// Whether bytes of the newest incarnation stand behind the end: a torn tail to set aside.
    pub has_torn_tail: bool,
    /// Whether the engine was closed in order, or nothing is left of what it did.
    pub is_clean: bool,
}

/// Judges `files`, which are in the order of the journal and newer than what is sealed. Somebody
/// else noted that the records below `noted_end` were durable.
#[must_use]
pub fn judge(files: &[ScannedFile], sealed_upto: FileSeq, noted_end: JournalPosition) -> Verdict {
    let evidence = match is_planted(Bug::TrustJournalEnd) {
        true => evidence_of(files),
        false => evidence_of(files).max(noted_end),
    };
    let mut verdict = Verdict { is_clean: files.is_empty(), ..Verdict::default() };
    for (index, file) in files.iter().enumerate() {
        let before = index.checked_sub(1).map(|before| files[before].header.file);
        judge_link(file, before, sealed_upto, &mut verdict);
        let follower =
            files.get(index + 1).filter(|next| next.header.previous_end.file() == file.header.file);
        match follower {
            Some(next) => judge_closed(file, next.header.previous_end, &mut verdict),
            None => judge_last(file, evidence, &mut verdict),
        }
    }
    let newest = files.last().map_or(sealed_upto, |file| file.header.file);
    if noted_end.file() > newest.max(sealed_upto) && !is_planted(Bug::TrustJournalEnd) {
        let (file, end) = (noted_end.file(), noted_end.offset());
        verdict.damages.push(Damage { file, start: 0, end, shard: None, first_seq: None });
        verdict.end = noted_end;
        verdict.is_clean = false;
    }
    verdict
}

/// The highest position that somebody who knew it says to be durable.
fn evidence_of(files: &[ScannedFile]) -> JournalPosition {
    let ends = files.iter().map(|file| file.header.previous_end);
    let frames = files.iter().enumerate().flat_map(|(index, file)| {
        let end = files.get(index + 1).map(|next| next.header.previous_end);
        file.items.iter().filter_map(move |item| match item {
            Item::Good(frame) if end.is_none_or(|end| frame.header().position < end) => {
                Some(frame.header().durable_upto)
            }
            _ => None,
        })
    });
    ends.chain(frames).max().unwrap_or_default()
}

/// A file whose predecessor is neither the file before nor sealed has lost its predecessor.
fn judge_link(
    file: &ScannedFile,
    before: Option<FileSeq>,
    sealed_upto: FileSeq,
    verdict: &mut Verdict,
) {
    let previous = file.header.previous_end.file();
    if Some(previous) != before && previous > sealed_upto {
        let end = file.header.previous_end.offset();
        verdict.damages.push(Damage {
            file: previous,
            start: 0,
            end,
            shard: None,
            first_seq: None,
        });
    }
}

/// A file that another follows: its end is known, everything below was durable.
fn judge_closed(file: &ScannedFile, end: JournalPosition, verdict: &mut Verdict) {
    let mut reached = begin_of(file);
    for (index, item) in file.items.iter().enumerate() {
        if position_of(file, item) >= end {
            break;
        }
        match item {
            Item::Good(frame) => accept(frame, verdict),
            Item::Bad(region) => blame(file, *region, file.items.get(index + 1), verdict),
        }
        reached = end_of(file, item);
    }
    if reached < end {
        let (start, end) = (reached.offset(), end.offset());
        let file = file.header.file;
        verdict.damages.push(Damage { file, start, end, shard: None, first_seq: None });
    }
    verdict.end = end;
}

/// The file in which the log ends.
fn judge_last(file: &ScannedFile, evidence: JournalPosition, verdict: &mut Verdict) {
    verdict.end = begin_of(file);
    for (index, item) in file.items.iter().enumerate() {
        match item {
            Item::Good(frame) => accept(frame, verdict),
            Item::Bad(region) => {
                let start = JournalPosition::new(file.header.file, region.start);
                let is_corruption = start < evidence || is_planted(Bug::EveryBadFrameIsCorruption);
                if !is_corruption || is_planted(Bug::FirstBadFrameTruncates) {
                    let behind = &file.items[index + 1..];
                    verdict.has_torn_tail = region.header.is_some() || !behind.is_empty();
                    // The rest of a file that was not full is bad too, behind the clean marker.
                    verdict.is_clean &= !verdict.has_torn_tail;
                    return;
                }
                blame(file, *region, file.items.get(index + 1), verdict);
            }
        }
        verdict.end = end_of(file, item);
    }
}

fn accept(frame: &Frame, verdict: &mut Verdict) {
    verdict.is_clean = frame.header().kind == FrameKind::CleanShutdown;
    if frame.header().kind == FrameKind::Records {
        verdict.frames.push(frame.clone());
    }
}

/// Notes a bad region. Whose it was is known from its own header if that is good; else from the
/// frame behind it, if that one says that just one frame stood here.
fn blame(file: &ScannedFile, region: BadRegion, next: Option<&Item>, verdict: &mut Verdict) {
    let neighbour = next.and_then(|item| match item {
        Item::Good(frame) => Some(*frame.header()),
        Item::Bad(region) => region.header,
    });
    let (shard, first_seq) = match (region.header, neighbour) {
        (Some(header), _) => (Some(header.shard), Some(header.first_seq)),
        (None, Some(next))
            if next.previous_bytes != 0
                && next.position.offset().checked_sub(next.previous_bytes)
                    == Some(region.start) =>
        {
            (Some(next.previous_shard), None)
        }
        _ => (None, None),
    };
    let file = file.header.file;
    verdict.damages.push(Damage { file, start: region.start, end: region.end, shard, first_seq });
}

fn begin_of(file: &ScannedFile) -> JournalPosition {
    let begin = u32::try_from(COMMITS_BEGIN).expect("two disk blocks");
    JournalPosition::new(file.header.file, begin)
}

fn position_of(file: &ScannedFile, item: &Item) -> JournalPosition {
    match item {
        Item::Good(frame) => frame.header().position,
        Item::Bad(region) => JournalPosition::new(file.header.file, region.start),
    }
}

/// Where what comes behind `item` begins.
fn end_of(file: &ScannedFile, item: &Item) -> JournalPosition {
    match item {
        Item::Good(frame) => {
            JournalPosition::new(file.header.file, super::scan::end_offset(frame.header()))
        }
        Item::Bad(region) => JournalPosition::new(file.header.file, region.end),
    }
}
