//! Sparse bytes that are cheap to copy: pages, and the map of them, are shared until one copy writes.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

const PAGE_BYTES: u64 = 4096;

type Page = [u8; 4096];

/// A file's bytes. Pages that are missing are zeros.
#[derive(Clone, Default)]
pub(super) struct Content {
    pages: Arc<BTreeMap<u64, Arc<Page>>>,
    bytes: u64,
}

/// A position in memory.
pub(super) fn index(bytes: u64) -> usize {
    usize::try_from(bytes).expect("simulated files fit in memory")
}

impl Content {
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Cuts, or pads with zeros.
    pub(super) fn resize(&mut self, bytes: u64) {
        if bytes < self.bytes {
            let pages = Arc::make_mut(&mut self.pages);
            drop(pages.split_off(&bytes.div_ceil(PAGE_BYTES)));
            let within = index(bytes % PAGE_BYTES);
            if within > 0
                && let Some(page) = pages.get_mut(&(bytes / PAGE_BYTES))
            {
                Arc::make_mut(page)[within..].fill(0);
            }
        }
        self.bytes = bytes;
    }

    /// Reads what there is at `offset`, up to the end.
    pub(super) fn read_at(&self, buffer: &mut [u8], offset: u64) -> usize {
        let end = self.bytes.min(offset.saturating_add(buffer.len() as u64));
        for (page, within, part) in pieces(offset..end) {
            match self.pages.get(&page) {
                Some(page) => buffer[part].copy_from_slice(&page[within]),
                None => buffer[part].fill(0),
            }
        }
        index(end.saturating_sub(offset))
    }

    /// Writes at `offset`, making the file longer if it must be.
    pub(super) fn write_at(&mut self, data: &[u8], offset: u64) {
        let end = offset + data.len() as u64;
        let pages = Arc::make_mut(&mut self.pages);
        for (page, within, part) in pieces(offset..end) {
            let page = pages.entry(page).or_insert_with(|| Arc::new([0; _]));
            Arc::make_mut(page)[within].copy_from_slice(&data[part]);
        }
        self.bytes = self.bytes.max(end);
    }

    /// The bytes of `range`, zeros past the end.
    pub(super) fn range(&self, range: Range<u64>) -> Vec<u8> {
        let mut data = vec![0; index(range.end.saturating_sub(range.start))];
        self.read_at(&mut data, range.start);
        data
    }

    pub(super) fn to_vec(&self) -> Vec<u8> {
        self.range(0..self.bytes)
    }
}

/// Cuts `range` at page boundaries: the page, where in it, and where in the caller's buffer.
fn pieces(range: Range<u64>) -> impl Iterator<Item = (u64, Range<usize>, Range<usize>)> {
    let start = range.start;
    let mut at = start;
    std::iter::from_fn(move || {
        if at >= range.end {
            return None;
        }
        let page = at / PAGE_BYTES;
        let until = range.end.min((page + 1) * PAGE_BYTES);
        let within = index(at % PAGE_BYTES);
        let part = index(at - start)..index(until - start);
        at = until;
        Some((page, within..within + part.len(), part))
    })
}
