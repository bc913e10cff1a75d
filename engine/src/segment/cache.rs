//! Decompressed blocks that all readers share.

use bytes::Bytes;
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};

use crate::error::Result;
use crate::planted::{Bug, is_planted};
use crate::types::SegmentId;

/// A part of the cache, with a lock of its own, has at least this many bytes: a block larger than
/// its part is not kept.
const PART_BYTES: u64 = 16 * 1024 * 1024;

/// A block's name: identities of segments are never reused, so an entry never goes stale.
type Key = (u64, u32);

/// Keeps decompressed blocks, as many as its bytes allow.
///
/// quick_cache: an S3-FIFO-like cache with weights that a scan does not sweep clean, sharded locks,
/// and one loader for each missing block while the others wait for it.
pub struct BlockCache {
    blocks: quick_cache::sync::Cache<Key, Bytes, BlockBytes>,
}

#[derive(Clone)]
struct BlockBytes;

impl Weighter<Key, Bytes> for BlockBytes {
    fn weight(&self, _: &Key, block: &Bytes) -> u64 {
        block.len() as u64
    }
}

impl BlockCache {
    /// A cache of at most `bytes` bytes of blocks.
    #[must_use]
    pub fn new(bytes: usize) -> BlockCache {
        let bytes = (bytes as u64).max(1);
        let options = OptionsBuilder::new()
            .estimated_items_capacity(usize::try_from(bytes / (64 * 1024)).unwrap_or(0).max(1))
            .weight_capacity(bytes)
            .shards(usize::try_from((bytes / PART_BYTES).clamp(1, 16)).unwrap_or(1))
            .build()
            .expect("capacity and estimate are set");
        let blocks = quick_cache::sync::Cache::with_options(
            options,
            BlockBytes,
            DefaultHashBuilder::default(),
            Default::default(),
        );
        BlockCache { blocks }
    }

    /// Block number `block` of `segment`: from memory, or by `load`, once for all who wait.
    pub(super) fn block(
        &self,
        segment: SegmentId,
        block: u32,
        load: impl FnOnce() -> Result<Bytes>,
    ) -> Result<Bytes> {
        let segment = if is_planted(Bug::MixUpBlocks) { 0 } else { segment.0 };
        self.blocks.get_or_insert_with(&(segment, block), load)
    }

    /// Bytes of blocks in it.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.blocks.weight()
    }
}

impl std::fmt::Debug for BlockCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BlockCache").field("bytes", &self.bytes()).finish_non_exhaustive()
    }
}
