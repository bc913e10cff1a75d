//! The bytes of a disk in memory, cheap to copy.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

/// What a disk writes whole or not at all.
pub const SECTOR_BYTES: u64 = 512;
/// Bytes that are shared, or copied, together.
const PAGE_BYTES: usize = 4096;

type Page = [u8; PAGE_BYTES];

/// A disk's bytes. Copies share what is the same; pages that were never written are zeros.
#[derive(Clone, Debug)]
pub struct Image {
    bytes: u64,
    pages: HashMap<u64, Arc<Page>>,
}

impl Image {
    /// A disk of `bytes` zeros.
    #[must_use]
    pub fn new(bytes: u64) -> Image {
        Image { bytes, pages: HashMap::new() }
    }

    /// How large it is.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Fills `buffer` with what is at `offset`; zeros behind the end.
    pub fn read(&self, offset: u64, buffer: &mut [u8]) {
        for_pages(offset, buffer.len(), |page, within, at| {
            let to = &mut buffer[at..at + within.len()];
            match self.pages.get(&page) {
                Some(page) => to.copy_from_slice(&page[within]),
                None => to.fill(0),
            }
        });
    }

    /// Puts `data` at `offset`. What is behind the end is left out.
    pub fn write(&mut self, offset: u64, data: &[u8]) {
        let room = usize::try_from(self.bytes.saturating_sub(offset)).unwrap_or(usize::MAX);
        let data = &data[..data.len().min(room)];
        for_pages(offset, data.len(), |page, within, at| {
            let from = &data[at..at + within.len()];
            if let Some(page) = self.pages.get_mut(&page) {
                Arc::make_mut(page)[within].copy_from_slice(from);
            } else if from.iter().any(|byte| *byte != 0) {
                let mut new = [0; PAGE_BYTES];
                new[within].copy_from_slice(from);
                self.pages.insert(page, Arc::new(new));
            }
        });
    }

    /// Writes it into a new file with holes, for somebody to look at.
    pub fn keep(&self, path: &Path) -> io::Result<()> {
        let file = File::create_new(path)?;
        file.set_len(self.bytes)?;
        for (number, page) in &self.pages {
            file.write_all_at(&page[..], number * PAGE_BYTES as u64)?;
        }
        Ok(())
    }
}

/// Calls `each` with the number of every page in a range, what of the page belongs to the range,
/// and where in the range that begins.
fn for_pages(offset: u64, bytes: usize, mut each: impl FnMut(u64, std::ops::Range<usize>, usize)) {
    let mut at = 0;
    while at < bytes {
        let position = offset + at as u64;
        let within = usize::try_from(position % PAGE_BYTES as u64).unwrap_or(0);
        let end = PAGE_BYTES.min(within + bytes - at);
        each(position / PAGE_BYTES as u64, within..end, at);
        at += end - within;
    }
}
