//! From a file's bytes to good frames and bad regions. Judges nothing: `verdict.rs` does.

use bytes::Bytes;

use crate::frame::{FRAME_ALIGN_BYTES, FRAME_MAGIC, Frame, FrameFault, FrameHeader, align_frame};
use crate::io::DIRECT_IO_BYTES;
use crate::journal::header::{COMMITS_BEGIN, FileHeader};
use crate::planted::{Bug, is_planted};
use crate::types::{FileSeq, JournalPosition, Salt};

/// What stands at some place of a journal file.
#[derive(Clone, Debug)]
pub enum Item {
    /// A frame of this incarnation that passes every check.
    Good(Frame),
    /// Bytes where a frame should begin and none does.
    Bad(BadRegion),
}

/// Bytes that are not the frame which should be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadRegion {
    /// The first byte.
    pub start: u32,
    /// The next byte that is a good frame's, or the end of the file.
    pub end: u32,
    /// The frame's header, where that much is good.
    pub header: Option<FrameHeader>,
}

/// Walks file `image` of incarnation `file` from its first commit to its end. An error names the
/// version of a frame that this code is too old for.
pub fn scan(image: &Bytes, file: &FileHeader) -> Result<Vec<Item>, u8> {
    let mut items = Vec::new();
    let mut at = COMMITS_BEGIN;
    while at + crate::frame::FRAME_HEADER_BYTES <= image.len() {
        match frame_at(image, file.salt, file.file, at) {
            Ok(frame) => {
                at = end_of(frame.header(), at);
                items.push(Item::Good(frame));
            }
            Err(Miss::NewerVersion(version)) => return Err(version),
            Err(Miss::BadPayload(header)) => {
                let end = end_of(&header, at).min(image.len());
                items.push(bad(at, end, Some(header)));
                at = end;
            }
            Err(Miss::Nothing) => {
                let next = next_good(image, file, at + FRAME_ALIGN_BYTES)?;
                let end = next.unwrap_or(image.len());
                items.push(bad(at, end, None));
                at = end;
            }
        }
    }
    Ok(items)
}

/// The incarnation that a file's frames speak of when its header does not: the salt and sequence
/// number of the first frame that is not sealed and stands where it says it stands.
#[must_use]
pub fn identify(image: &Bytes, sealed_upto: FileSeq) -> Option<(Salt, FileSeq)> {
    let mut at = COMMITS_BEGIN;
    while let Some(found) = find_magic(image, at) {
        if let Ok(header) = FrameHeader::decode(&image[found..])
            && header.position.offset() as usize == found
            && header.position.file() > sealed_upto
            && Frame::check_payload(header, &image.slice(found..)).is_ok()
        {
            return Some((header.salt, header.position.file()));
        }
        at = found + FRAME_ALIGN_BYTES;
    }
    None
}

enum Miss {
    Nothing,
    BadPayload(FrameHeader),
    NewerVersion(u8),
}

fn frame_at(image: &Bytes, salt: Salt, file: FileSeq, at: usize) -> Result<Frame, Miss> {
    let place = JournalPosition::new(file, u32::try_from(at).expect("journal files are bounded"));
    // Salt and place stand at the same offsets in every version. They come first: what an older
    // incarnation or a client left here must not pass for a frame of a newer version.
    let belongs = image.get(at + 8..at + 24).is_some_and(|bytes| {
        bytes[..8] == salt.0.to_le_bytes() && bytes[8..] == place.raw().to_le_bytes()
    });
    if !belongs && !is_planted(Bug::SkipPlaceCheck) {
        return Err(Miss::Nothing);
    }
    let header = match FrameHeader::decode(&image[at..]) {
        Ok(header) => header,
        Err(FrameFault::NewerVersion(version)) => return Err(Miss::NewerVersion(version)),
        Err(_) => return Err(Miss::Nothing),
    };
    Frame::check_payload(header, &image.slice(at..)).map_err(|_| Miss::BadPayload(header))
}

/// Where the frame after `header`'s, which stands at `at`, should begin.
fn end_of(header: &FrameHeader, at: usize) -> usize {
    let end = at + align_frame(header.frame_bytes());
    if header.is_last_of_commit { end.next_multiple_of(DIRECT_IO_BYTES) } else { end }
}

/// Where the frame after `header`'s should begin.
#[must_use]
pub fn end_offset(header: &FrameHeader) -> u32 {
    let end = end_of(header, header.position.offset() as usize);
    u32::try_from(end).expect("journal files are bounded")
}

/// The next place from `at` on where a frame of this incarnation has at least a good header.
fn next_good(image: &Bytes, file: &FileHeader, mut at: usize) -> Result<Option<usize>, u8> {
    while let Some(found) = find_magic(image, at) {
        match frame_at(image, file.salt, file.file, found) {
            Ok(_) | Err(Miss::BadPayload(_)) => return Ok(Some(found)),
            Err(Miss::NewerVersion(version)) => return Err(version),
            Err(Miss::Nothing) => at = found + FRAME_ALIGN_BYTES,
        }
    }
    Ok(None)
}

/// The first aligned place from `at` on that begins with the frame magic.
fn find_magic(image: &[u8], at: usize) -> Option<usize> {
    let at = at.next_multiple_of(FRAME_ALIGN_BYTES);
    let rest = image.get(at..)?;
    let index = rest
        .chunks_exact(FRAME_ALIGN_BYTES)
        .position(|chunk| chunk[..FRAME_MAGIC.len()] == FRAME_MAGIC)?;
    Some(at + index * FRAME_ALIGN_BYTES)
}

fn bad(start: usize, end: usize, header: Option<FrameHeader>) -> Item {
    let bound = |at: usize| u32::try_from(at).expect("journal files are bounded");
    Item::Bad(BadRegion { start: bound(start), end: bound(end), header })
}
