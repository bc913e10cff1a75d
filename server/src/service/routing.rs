//! From a partition key to the shard whose hash range holds it.

use md5::{Digest, Md5};

/// A partition key's place in the hash space: its MD5 as a big-endian number.
#[must_use]
pub fn hash_of(partition_key: &str) -> u128 {
    u128::from_be_bytes(Md5::digest(partition_key.as_bytes()).into())
}

/// The hash key that `text`, a decimal number, stands for; `None` past 2^128 - 1.
#[must_use]
pub fn parse_hash_key(text: &str) -> Option<u128> {
    text.parse().ok()
}

/// The hash ranges of `count` shards that share the space evenly, in order.
pub fn even_ranges(count: u32) -> impl Iterator<Item = (u128, u128)> {
    let count = u128::from(count.max(1));
    // floor(2^128 / count): 2^128 itself does not fit.
    // For one shard it wraps to 0, which nothing is multiplied by.
    let width = (u128::MAX / count).wrapping_add(u128::from(u128::MAX % count == count - 1));
    let first_of = move |index: u128| width.wrapping_mul(index);
    (0..count).map(move |index| {
        let last = if index + 1 == count { u128::MAX } else { first_of(index + 1) - 1 };
        (first_of(index), last)
    })
}

/// Open shards by hash range.
///
/// INVARIANT: the ranges are sorted, do not overlap and cover the space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routes {
    /// The last hash key of each range, and whose it is.
    lasts: Vec<(u128, u32)>,
}

impl Routes {
    /// Routes over `ranges`, each the first hash key, the last one, and whose they are.
    /// `None` when they leave a gap or overlap.
    #[must_use]
    pub fn new(ranges: impl IntoIterator<Item = (u128, u128, u32)>) -> Option<Routes> {
        let mut ranges: Vec<_> = ranges.into_iter().collect();
        ranges.sort_unstable();
        let mut next = Some(0);
        for (first, last, _) in &ranges {
            if next != Some(*first) || last < first {
                return None;
            }
            next = last.checked_add(1);
        }
        let lasts: Vec<_> = ranges.into_iter().map(|(_, last, shard)| (last, shard)).collect();
        (next.is_none() && !lasts.is_empty()).then_some(Routes { lasts })
    }

    /// Whose range holds `hash`.
    #[must_use]
    pub fn shard_of(&self, hash: u128) -> u32 {
        let at = self.lasts.partition_point(|(last, _)| *last < hash);
        self.lasts[at].1
    }

    /// A hash key in the range that comes at `turn`, when all ranges take turns.
    #[must_use]
    pub fn in_turn(&self, turn: u64) -> u128 {
        let count = self.lasts.len() as u64;
        let at = usize::try_from(turn % count).expect("below the number of ranges");
        self.lasts[at].0
    }
}
