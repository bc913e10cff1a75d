//! Sparse bytes that are cheap to copy: pages are shared until one copy writes.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const PAGE_BYTES: u64 = 4096;

static ZEROS: [u8; 4096] = [0; 4096];

/// Some bytes of a file, and what they hash to once somebody has asked.
struct Page {
    bytes: [u8; 4096],
    digest: AtomicU64,
}

impl Page {
    fn of(bytes: [u8; 4096]) -> Arc<Page> {
        Arc::new(Page { bytes, digest: AtomicU64::new(0) })
    }

    fn bytes_mut(&mut self) -> &mut [u8; 4096] {
        *self.digest.get_mut() = 0;
        &mut self.bytes
    }

    /// PERF: a page is shared by all states that have it, and hashed once for all of them.
    fn digest(&self) -> u64 {
        match self.digest.load(Ordering::Relaxed) {
            0 => {
                let digest = fold(&self.bytes);
                self.digest.store(digest, Ordering::Relaxed);
                digest
            }
            known => known,
        }
    }
}

impl Clone for Page {
    fn clone(&self) -> Page {
        Page { bytes: self.bytes, digest: AtomicU64::new(0) }
    }
}

/// Mixes `word` into `digest`.
pub(super) fn mix(digest: u64, word: u64) -> u64 {
    let mixed = (digest ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed ^ (mixed >> 29)
}

/// What `bytes` hash to.
pub(super) fn fold(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let digest =
        words.iter().fold(bytes.len() as u64, |all, word| mix(all, u64::from_le_bytes(*word)));
    rest.iter().fold(digest, |all, byte| mix(all, u64::from(*byte)))
}

/// A file's bytes. Pages that are missing are zeros.
///
/// PERF: copying one is copying a pointer; a machine is copied before each of its operations.
#[derive(Clone, Default)]
pub(super) struct Content {
    pages: Arc<Vec<Option<Arc<Page>>>>,
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
            let kept = index(bytes.div_ceil(PAGE_BYTES));
            if kept < self.pages.len() {
                Arc::make_mut(&mut self.pages).truncate(kept);
            }
            let within = index(bytes % PAGE_BYTES);
            if within > 0 && kept == self.pages.len() {
                let last = Arc::make_mut(&mut self.pages).last_mut().and_then(Option::as_mut);
                if let Some(page) = last {
                    Arc::make_mut(page).bytes_mut()[within..].fill(0);
                }
            }
        }
        self.bytes = bytes;
    }

    fn page(&self, number: u64) -> Option<&Arc<Page>> {
        self.pages.get(index(number))?.as_ref()
    }

    /// Reads what there is at `offset`, up to the end.
    pub(super) fn read_at(&self, buffer: &mut [u8], offset: u64) -> usize {
        let end = self.bytes.min(offset.saturating_add(buffer.len() as u64));
        for (page, within, part) in pieces(offset..end) {
            match self.page(page) {
                Some(page) => buffer[part].copy_from_slice(&page.bytes[within]),
                None => buffer[part].fill(0),
            }
        }
        index(end.saturating_sub(offset))
    }

    /// Writes at `offset`, making the file longer if it must be.
    pub(super) fn write_at(&mut self, data: &[u8], offset: u64) {
        let end = offset + data.len() as u64;
        for (number, within, part) in pieces(offset..end) {
            let data = &data[part];
            if self.page(number).is_none() && is_zeros(data) {
                continue;
            }
            let pages = Arc::make_mut(&mut self.pages);
            let at = index(number);
            if pages.len() <= at {
                pages.resize(at + 1, None);
            }
            match (&mut pages[at], <&[u8; 4096]>::try_from(data)) {
                (page, Ok(whole)) => *page = (!is_zeros(data)).then(|| Page::of(*whole)),
                (Some(page), Err(_)) => {
                    Arc::make_mut(page).bytes_mut()[within].copy_from_slice(data);
                }
                (none, Err(_)) => {
                    let mut bytes = [0; 4096];
                    bytes[within].copy_from_slice(data);
                    *none = Some(Page::of(bytes));
                }
            }
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

    /// What the bytes hash to.
    pub(super) fn digest(&self) -> u64 {
        let pages = self.pages.iter().enumerate();
        let written = pages.filter_map(|(at, page)| Some((at, page.as_ref()?)));
        written.fold(self.bytes, |all, (at, page)| mix(mix(all, at as u64), page.digest()))
    }
}

pub(super) fn is_zeros(data: &[u8]) -> bool {
    data.chunks(ZEROS.len()).all(|chunk| *chunk == ZEROS[..chunk.len()])
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
