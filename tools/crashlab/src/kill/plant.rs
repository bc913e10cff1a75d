//! Destroying acknowledged records on disk, to see that it is noticed.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use flowstone_engine::frame::FrameKind;
use flowstone_engine::journal::JOURNAL_DIR;
use flowstone_engine::journal::header::FileHeader;
use flowstone_engine::journal::scan::{Item, scan};
use flowstone_engine::types::FileSeq;

/// What was destroyed.
#[derive(Debug)]
pub struct Planted {
    /// In which file.
    pub file: PathBuf,
    /// From which byte on.
    pub byte_offset: u64,
    /// How many bytes are zeros now.
    pub bytes: usize,
}

/// Zeroes the frame in the middle of the newest journal file that has records: the newest is not
/// sealed yet, so that no segment has them too.
pub fn zero_a_frame(data: &Path) -> io::Result<Planted> {
    let mut newest: Option<(FileSeq, PathBuf, u32, usize)> = None;
    for entry in std::fs::read_dir(data.join(JOURNAL_DIR))? {
        let path = entry?.path();
        let image = Bytes::from(std::fs::read(&path)?);
        let Ok((header, _)) = FileHeader::decode_either(&image) else { continue };
        let Ok(items) = scan(&image, &header) else { continue };
        let frames: Vec<_> = items
            .iter()
            .filter_map(|item| match item {
                Item::Good(frame) => Some(frame.header()),
                Item::Bad(_) => None,
            })
            .filter(|frame| frame.kind == FrameKind::Records)
            .collect();
        let Some(middle) = frames.get(frames.len() / 2) else { continue };
        if newest.as_ref().is_none_or(|(file, ..)| header.file > *file) {
            newest = Some((header.file, path, middle.position.offset(), middle.frame_bytes()));
        }
    }
    let (_, file, offset, bytes) =
        newest.ok_or_else(|| io::Error::other("no journal file holds records"))?;
    let byte_offset = u64::from(offset);
    let open = File::options().write(true).open(&file)?;
    open.write_all_at(&vec![0; bytes], byte_offset)?;
    open.sync_all()?;
    Ok(Planted { file, byte_offset, bytes })
}
