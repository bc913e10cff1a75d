//! Every doubt about a decoded footer: it must say what a writer says, of the file that it is in.

use std::ops::Range;

use crate::error::Result;
use crate::limits::BLOCK_BYTES_MAX;
use crate::segment::footer::{
    ArchivedFooter, ArchivedStoredBlock, ArchivedStoredRun, TRAILER_BYTES, frame_head,
};
use crate::segment::seek_table::{self, SKIPPABLE_HEADER_BYTES};
use crate::segment::summary::{Run, corrupt};
use crate::types::SegmentId;

/// Compares what `footer` says with what any writer says, and with the file around it.
pub(super) fn check(
    id: SegmentId,
    file: &[u8],
    footer: &ArchivedFooter,
    archive: &Range<usize>,
) -> Result<()> {
    let bad = |what: &str| Err(corrupt(id, archive.start as u64, what));
    if footer.segment.to_native() != id.0 {
        return bad("segment footer is another segment's");
    }
    let Some(data_end) = check_blocks(footer) else {
        return bad("segment footer has blocks that no writer writes");
    };
    if check_runs(footer).is_none() {
        return bad("segment footer has runs that no writer writes");
    }
    let Some(padding) =
        archive.start.checked_sub(data_end + SKIPPABLE_HEADER_BYTES).filter(|bytes| *bytes < 16)
    else {
        return bad("segment blocks do not end where the footer starts");
    };
    let table_at = archive.end + TRAILER_BYTES;
    let footer_bytes = u32::try_from(table_at - data_end).ok();
    let head = footer_bytes.map(|bytes| frame_head(bytes - 8, padding));
    if head.as_deref() != Some(&file[data_end..archive.start]) {
        return bad("segment footer frame is damaged");
    }
    let blocks = footer.blocks.iter().map(ArchivedStoredBlock::to_block);
    let table = seek_table::encode(blocks, footer_bytes.unwrap_or_default());
    if table != file[table_at..] {
        return Err(corrupt(id, table_at as u64, "segment seek table is damaged"));
    }
    Ok(())
}

/// Where the blocks end; `None` when they cannot be.
fn check_blocks(footer: &ArchivedFooter) -> Option<usize> {
    let mut end = 0u64;
    let mut raw_bytes = 0u64;
    let mut last = None;
    for block in footer.blocks.iter().map(ArchivedStoredBlock::to_block) {
        let is_sound = block.offset == end
            && block.compressed_bytes > 0
            && (1..=BLOCK_BYTES_MAX).contains(&(block.raw_bytes as usize))
            && last.is_none_or(|last| last < block.key());
        if !is_sound {
            return None;
        }
        end = end.checked_add(u64::from(block.compressed_bytes))?;
        raw_bytes = raw_bytes.checked_add(u64::from(block.raw_bytes))?;
        last = Some(block.key());
    }
    last?;
    (raw_bytes == footer.raw_bytes.to_native()).then_some(())?;
    usize::try_from(end).ok()
}

fn check_runs(footer: &ArchivedFooter) -> Option<()> {
    let (mut raw_bytes, mut frames) = (0u64, 0u64);
    let mut last: Option<Run> = None;
    for run in footer.runs.iter().map(ArchivedStoredRun::to_run) {
        let block = footer.blocks.get(run.first_block as usize)?.to_block();
        let next = footer.blocks.get(run.first_block as usize + 1);
        let start = (run.shard, run.first_seq);
        let is_sound = run.first_seq < run.end_seq
            && run.first_arrival <= run.last_arrival
            && run.frames > 0
            && block.key() <= start
            && next.is_none_or(|next| start < next.to_block().key())
            && last.is_none_or(|last| last.shard < run.shard);
        if !is_sound || (last.is_none() && block.key() != start) {
            return None;
        }
        raw_bytes = raw_bytes.checked_add(run.raw_bytes)?;
        frames = frames.checked_add(run.frames)?;
        last = Some(run);
    }
    last?;
    (raw_bytes == footer.raw_bytes.to_native() && frames == footer.frames.to_native()).then_some(())
}
