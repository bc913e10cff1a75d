//! Which segments to merge next.
//!
//! Segments are in tiers: sealing makes tier 0, merging eight of a tier makes the next one. What
//! is merged is a pile of one tier and one owner: either segments that several shards share, or
//! segments of one shard. So a record is rewritten about as often as there are tiers, and a shard
//! with enough data soon has segments to itself.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::shared::Known;
use crate::error::Result;
use crate::limits::SEGMENT_BYTES_MAX;
use crate::types::{SegmentId, SeqNo, ShardId};

/// Segments of one pile that are merged together.
const PILE: usize = 8;

/// A shard with this many bytes in a merge gets a segment of its own.
const OWN_SEGMENT_BYTES_MIN: u64 = 4 << 20;

type Tier = u32;
/// The one shard of a segment, unless several share it.
type Owner = Option<u64>;

/// What to merge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// The segments.
    pub(super) inputs: BTreeSet<SegmentId>,
    /// The tier of what comes out.
    pub(super) tier: u32,
}

/// The next merge, if one is worth it. Under pressure only full piles are, not compression alone.
/// `horizon_of` says below which record a shard's are gone.
pub(super) fn plan(
    segments: &[(SegmentId, Known)],
    is_pressed: bool,
    horizon_of: impl Fn(ShardId) -> SeqNo,
) -> Option<Plan> {
    let mut piles: BTreeMap<(Tier, Owner), Vec<&(SegmentId, Known)>> = BTreeMap::new();
    for segment in segments {
        let row = &segment.1.row;
        let is_own = row.tier > 0 && row.runs.len() == 1;
        let owner = is_own.then(|| row.runs[0].shard);
        piles.entry((row.tier, owner)).or_default().push(segment);
    }
    for ((tier, _), pile) in &piles {
        for window in pile.windows(PILE) {
            let raw_bytes: u64 = window.iter().map(|(_, known)| known.row.raw_bytes).sum();
            let fits = *tier == 0 || raw_bytes <= SEGMENT_BYTES_MAX as u64;
            if fits && follow_one_another(window, &horizon_of) {
                let inputs = window.iter().map(|(id, _)| *id).collect();
                return Some(Plan { inputs, tier: tier + 1 });
            }
        }
    }
    if is_pressed {
        return None;
    }
    let stored = segments.iter().find(|(_, known)| !known.row.is_compressed)?;
    Some(Plan { inputs: BTreeSet::from([stored.0]), tier: stored.1.row.tier })
}

/// Whether no shard has records between two of these segments that are in neither. Those below its
/// horizon do not count: a log that is trimmed all the time has gaps between all of its runs.
fn follow_one_another(
    segments: &[&(SegmentId, Known)],
    horizon_of: impl Fn(ShardId) -> SeqNo,
) -> bool {
    let mut runs: BTreeMap<u64, Vec<(u64, u64)>> = BTreeMap::new();
    for run in segments.iter().flat_map(|(_, known)| &known.row.runs) {
        runs.entry(run.shard).or_default().push((run.first_seq, run.end_seq));
    }
    runs.iter_mut().all(|(shard, runs)| {
        runs.sort_unstable();
        let is_gap = |pair: &[(u64, u64)]| pair[0].1 != pair[1].0;
        let last_gap = runs.windows(2).rfind(|pair| is_gap(pair));
        last_gap.is_none_or(|pair| SeqNo(pair[1].0) <= horizon_of(ShardId(*shard)))
    })
}

/// The shards that get segments to themselves out of a merge of `inputs`.
pub(super) fn shards_worth_an_own_segment(
    inputs: &[(SegmentId, Known)],
) -> Result<BTreeSet<ShardId>> {
    let mut bytes: BTreeMap<ShardId, u64> = BTreeMap::new();
    for (_, known) in inputs {
        for run in known.segment.runs()? {
            *bytes.entry(run.shard).or_default() += run.raw_bytes;
        }
    }
    Ok(bytes
        .into_iter()
        .filter(|(_, bytes)| *bytes >= OWN_SEGMENT_BYTES_MIN)
        .map(|(shard, _)| shard)
        .collect())
}
