//! One simulated file: cached and durable bytes, and the changes between them.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::content::Content;
use crate::entropy::SeededEntropy;

/// Devices write this much or nothing.
const SECTOR_BYTES: u64 = 512;

/// What a power loss does to changes that were not flushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Luck {
    /// All are lost.
    Bad,
    /// All are kept.
    Good,
    /// Each is lost, kept or torn.
    Mixed,
}

/// Bytes that are in the cache and not on the device.
#[derive(Clone)]
pub(super) struct Dirty {
    pub(super) offset: u64,
    pub(super) bytes: Bytes,
}

impl Dirty {
    fn range(&self) -> Range<u64> {
        self.offset..self.offset + self.bytes.len() as u64
    }

    fn part(&self, range: Range<u64>) -> Dirty {
        let start = super::content::index(range.start - self.offset);
        let end = super::content::index(range.end - self.offset);
        Dirty { offset: range.start, bytes: self.bytes.slice(start..end) }
    }
}

/// A file, whatever its names.
///
/// INVARIANT: `durable` after `lengths` in order, then `dirty` in order, is `cache`, but for the
/// ranges in `lied` and a length that went with them.
#[derive(Clone, Default)]
pub(super) struct Inode {
    cache: Content,
    durable: Content,
    /// Lengths that the file had, one after the other, since the last flush.
    lengths: Vec<u64>,
    dirty: Vec<Dirty>,
    /// Ranges that a failed flush marked as clean though the device does not have them.
    lied: Vec<Range<u64>>,
    /// Whether there ever was a lie: then `cache` may differ from what a flush makes durable.
    has_lied: bool,
    /// Shared with whoever has the file open.
    pub(super) handle: Arc<()>,
}

impl Inode {
    /// A file that is wholly durable.
    pub(super) fn of(content: Content) -> Inode {
        Inode { cache: content.clone(), durable: content, ..Inode::default() }
    }

    pub(super) fn cache(&self) -> &Content {
        &self.cache
    }

    pub(super) fn durable(&self) -> &Content {
        &self.durable
    }

    /// Whether a power loss changes nothing.
    fn is_clean(&self) -> bool {
        self.dirty.is_empty() && self.lengths.is_empty()
    }

    /// The same file, opened by nobody.
    pub(super) fn for_next_process(&self) -> Inode {
        Inode { handle: Arc::default(), ..self.clone() }
    }

    pub(super) fn is_open(&self) -> bool {
        Arc::strong_count(&self.handle) > 1
    }

    /// Reads what a reader sees; past the cache, lies come to light.
    pub(super) fn read_at(&self, buffer: &mut [u8], offset: u64, is_direct: bool) -> usize {
        let n = self.cache.read_at(buffer, offset);
        if is_direct && !self.lied.is_empty() {
            for lie in &self.lied {
                let lie = intersection(lie, &(offset..offset + n as u64));
                if !lie.is_empty() {
                    let at = super::content::index(lie.start - offset);
                    let truth = self.durable.range(lie);
                    buffer[at..at + truth.len()].copy_from_slice(&truth);
                }
            }
        }
        n
    }

    pub(super) fn write_at(&mut self, bytes: Bytes, offset: u64) {
        if bytes.is_empty() {
            return;
        }
        let dirty = Dirty { offset, bytes };
        cut(&mut self.lied, &dirty.range());
        if dirty.range().end > self.cache.bytes() {
            self.lengths.push(dirty.range().end);
        }
        self.cache.write_at(&dirty.bytes, offset);
        self.dirty.push(dirty);
    }

    pub(super) fn set_bytes(&mut self, bytes: u64) {
        if bytes < self.cache.bytes() {
            self.forget_dirty(&(bytes..u64::MAX));
            cut(&mut self.lied, &(bytes..u64::MAX));
        }
        self.cache.resize(bytes);
        self.lengths.push(bytes);
    }

    /// Everything so far is durable, but for what was lied about.
    pub(super) fn sync(&mut self) {
        if !self.has_lied {
            // PERF: sharing is cheaper than writing all again.
            self.dirty.clear();
            self.lengths.clear();
            self.durable = self.cache.clone();
            return;
        }
        self.settle_lengths();
        for dirty in self.dirty.drain(..) {
            self.durable.write_at(&dirty.bytes, dirty.offset);
        }
    }

    /// A flush that fails: what was dirty counts as clean, and is not on the device.
    pub(super) fn sync_lies(&mut self) {
        self.has_lied = true;
        self.lengths.clear();
        for dirty in std::mem::take(&mut self.dirty) {
            cut(&mut self.lied, &dirty.range());
            self.lied.push(dirty.range());
        }
    }

    /// A write that flushes itself, and nothing else but the length.
    pub(super) fn write_durably(&mut self, bytes: &[u8], offset: u64) {
        let range = offset..offset + bytes.len() as u64;
        if self.is_clean() && !self.has_lied {
            self.cache.write_at(bytes, offset);
            self.durable = self.cache.clone();
            return;
        }
        self.settle_lengths();
        self.forget_dirty(&range);
        cut(&mut self.lied, &range);
        self.cache.write_at(bytes, offset);
        self.durable.write_at(bytes, offset);
    }

    /// A write that should have flushed itself, and failed as [`Inode::sync_lies`] does.
    pub(super) fn write_lies(&mut self, bytes: &[u8], offset: u64) {
        self.has_lied = true;
        let range = offset..offset + bytes.len() as u64;
        self.forget_dirty(&range);
        cut(&mut self.lied, &range);
        self.cache.write_at(bytes, offset);
        self.lied.push(range);
    }

    /// What is cached and clean is read from the device again.
    pub(super) fn drop_cache(&mut self) {
        for lie in std::mem::take(&mut self.lied) {
            let truth = self.durable.range(lie.clone());
            self.cache.write_at(&truth, lie.start);
        }
    }

    /// Changes bytes on the device, and in the cache as if they had not been there.
    pub(super) fn rot(&mut self, bytes: &[u8], offset: u64) {
        self.has_lied = true;
        let room = |content: &Content| {
            let left = content.bytes().saturating_sub(offset).min(bytes.len() as u64);
            super::content::index(left)
        };
        let (durable, cached) = (room(&self.durable), room(&self.cache));
        self.durable.write_at(&bytes[..durable], offset.min(self.durable.bytes()));
        self.cache.write_at(&bytes[..cached], offset.min(self.cache.bytes()));
    }

    /// What a power loss leaves: some of the lengths, then some of the writes in any order.
    pub(super) fn after_power_loss(
        &self,
        in_flight: &[Dirty],
        luck: Luck,
        entropy: &SeededEntropy,
    ) -> Inode {
        let mut left = self.durable.clone();
        if self.is_clean() && in_flight.is_empty() {
            return Inode::of(left);
        }
        let kept = match luck {
            Luck::Bad => 0,
            Luck::Good => self.lengths.len(),
            Luck::Mixed => super::content::index(entropy.below(self.lengths.len() as u64 + 1)),
        };
        for bytes in &self.lengths[..kept] {
            left.resize(*bytes);
        }
        // A ring write carries its length with it; one that the crash caught may have got so far.
        let mut bytes = left.bytes();
        let mut writes = self.dirty.clone();
        for write in in_flight {
            if survives(luck, entropy) {
                bytes = bytes.max(write.range().end);
            }
            writes.push(write.clone());
        }
        if luck == Luck::Mixed {
            shuffle(&mut writes, entropy);
        }
        for write in writes {
            for part in what_reaches_device(&write, luck, entropy) {
                left.write_at(&part.bytes, part.offset);
            }
        }
        left.resize(bytes);
        Inode::of(left)
    }

    fn settle_lengths(&mut self) {
        for bytes in self.lengths.drain(..) {
            self.durable.resize(bytes);
        }
    }

    fn forget_dirty(&mut self, range: &Range<u64>) {
        let split = |dirty: Dirty| {
            outside(&dirty.range(), range).map(move |left| dirty.part(left)).collect::<Vec<_>>()
        };
        self.dirty = std::mem::take(&mut self.dirty).into_iter().flat_map(split).collect();
    }
}

/// The sectors of `write` that a power loss, or a failed write, lets through.
pub(super) fn what_reaches_device(
    write: &Dirty,
    luck: Luck,
    entropy: &SeededEntropy,
) -> Vec<Dirty> {
    let is_torn = luck == Luck::Mixed && entropy.below(3) == 0;
    if !is_torn {
        return if survives(luck, entropy) { vec![write.clone()] } else { Vec::new() };
    }
    let range = write.range();
    let sectors = range.start / SECTOR_BYTES..range.end.div_ceil(SECTOR_BYTES);
    sectors
        .map(|sector| intersection(&range, &(sector * SECTOR_BYTES..(sector + 1) * SECTOR_BYTES)))
        .filter(|_| entropy.below(2) == 0)
        .map(|sector| write.part(sector))
        .collect()
}

fn survives(luck: Luck, entropy: &SeededEntropy) -> bool {
    match luck {
        Luck::Bad => false,
        Luck::Good => true,
        Luck::Mixed => entropy.below(2) == 0,
    }
}

fn shuffle<T>(items: &mut [T], entropy: &SeededEntropy) {
    for last in (1..items.len()).rev() {
        items.swap(last, super::content::index(entropy.below(last as u64 + 1)));
    }
}

fn intersection(a: &Range<u64>, b: &Range<u64>) -> Range<u64> {
    a.start.max(b.start)..a.end.min(b.end)
}

/// What of `range` is not in `hole`.
fn outside(range: &Range<u64>, hole: &Range<u64>) -> impl Iterator<Item = Range<u64>> + use<> {
    let before = range.start..range.end.min(hole.start);
    let after = range.start.max(hole.end)..range.end;
    [before, after].into_iter().filter(|part| !part.is_empty())
}

fn cut(ranges: &mut Vec<Range<u64>>, hole: &Range<u64>) {
    *ranges = ranges.iter().flat_map(|range| outside(range, hole)).collect();
}
