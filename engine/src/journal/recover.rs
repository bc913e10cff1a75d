//! Reading all journal files back and flushing what is believed.
//!
//! A file is read past the page cache: after a failed flush the cache may show bytes that are not
//! on the disk. What is believed is flushed before it is served: after a mere process crash it may
//! still stand in the device's volatile cache only.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use crate::error::{Error, ErrorKind, Result};
use crate::io::{DIRECT_IO_BYTES, Disk, File, Open};
use crate::journal::header::{COMMITS_BEGIN, FileHeader, HeaderFault};
use crate::journal::image::ImageWriter;
use crate::journal::scan::{Item, identify, scan};
use crate::journal::slots::{Waiting, slot_of, slot_path};
use crate::journal::verdict::{Damage, ScannedFile, Verdict, judge};
use crate::journal::{ASIDE_DIR, JOURNAL_DIR};
use crate::limits::JOURNAL_FILE_BYTES_MAX;
use crate::planted::{Bug, is_planted};
use crate::types::{FileSeq, JournalPosition, ShardId, Timestamp};

/// What recovery found in the journal.
pub struct Recovered {
    /// Frames, damages and the end of the log.
    pub verdict: Verdict,
    /// The files that hold those frames, oldest first.
    pub waiting: Vec<Waiting>,
    /// Files whose content nobody needs.
    pub free: Vec<u32>,
    /// The highest file sequence number seen anywhere.
    pub newest_file: FileSeq,
    /// Bytes read.
    pub bytes: u64,
}

struct Loaded {
    slot: u32,
    file: Arc<dyn File>,
    image: ImageWriter,
    bytes: Bytes,
    scanned: ScannedFile,
    /// Whether both copies of its header are as they should be.
    is_header_whole: bool,
    header_damage: Option<Damage>,
}

impl Loaded {
    fn good_frames(&self) -> usize {
        good_frames(&self.scanned.items)
    }
}

fn good_frames(items: &[Item]) -> usize {
    items.iter().filter(|item| matches!(item, Item::Good(_))).count()
}

/// Reads the journal in `disk`. Files up to `sealed_upto` are free; what is below `noted_end` was
/// durable.
pub fn recover(
    disk: &Arc<dyn Disk>,
    sealed_upto: FileSeq,
    noted_end: JournalPosition,
) -> Result<Recovered> {
    // ORDER: the names of the files are durable before anything is acknowledged in them. A process
    // that was killed between making one and flushing its name leaves that to the next.
    if !is_planted(Bug::TrustJournalNames) {
        disk.sync_dir(Path::new(JOURNAL_DIR))
            .map_err(|error| Error::io("flushing the journal's directory", error))?;
    }
    let mut loaded = Vec::new();
    let mut free = Vec::new();
    let mut newest_file = sealed_upto.max(noted_end.file());
    let mut bytes = 0;
    let entries = disk
        .list(Path::new(JOURNAL_DIR))
        .map_err(|error| Error::io("listing the journal", error))?;
    for slot in entries.iter().filter_map(|entry| slot_of(&entry.name)) {
        match load(disk, slot, sealed_upto)? {
            Some(file) => {
                bytes += file.bytes.len() as u64;
                newest_file = newest_file.max(file.scanned.header.file);
                loaded.push(file);
            }
            None => free.push(slot),
        }
    }
    loaded.sort_by_key(|file| file.scanned.header.file);
    free.extend(take_impostors(&mut loaded));
    link_headless(&mut loaded);

    let headers: Vec<_> = loaded.iter().filter_map(|file| file.header_damage).collect();
    let (mut waiting, mut scanned) = (Vec::new(), Vec::new());
    let mut kept = Vec::new();
    for file in loaded {
        scanned.push(file.scanned);
        kept.push((file.slot, file.file, file.image, file.bytes));
    }
    let mut verdict = judge(&scanned, sealed_upto, noted_end);
    verdict.damages.extend(headers);

    for ((slot, file, image, bytes), scanned) in kept.into_iter().zip(&scanned) {
        let seq = scanned.header.file;
        // ORDER: flush what will be served, before it is.
        if !is_planted(Bug::ServeUnflushed) {
            file.sync().map_err(|error| {
                Error::io("flushing a recovered journal file", error)
                    .in_file(slot_path(slot).to_string_lossy(), 0)
            })?;
        }
        if verdict.has_torn_tail && verdict.end.file() == seq {
            set_torn_tail_aside(disk, verdict.end, scanned, &bytes);
        }
        waiting.push(Waiting {
            slot,
            file: seq,
            image,
            shards: shards_in(&verdict, seq),
            is_damaged: verdict.damages.iter().any(|damage| damage.file == seq),
        });
    }
    Ok(Recovered { verdict, waiting, free, newest_file, bytes })
}

fn shards_in(verdict: &Verdict, file: FileSeq) -> Vec<ShardId> {
    let mut shards: Vec<_> = verdict
        .frames
        .iter()
        .filter(|frame| frame.header().position.file() == file)
        .map(|frame| frame.header().shard)
        .collect();
    shards.sort_unstable();
    shards.dedup();
    shards
}

/// Which incarnation a slot's header says it holds, if it has a good one.
pub fn file_in(disk: &Arc<dyn Disk>, slot: u32) -> Result<Option<FileSeq>> {
    let fault = |error| Error::io("reading a journal file", error);
    let file = disk.open(&slot_path(slot), Open::Read).map_err(fault)?;
    let mut head = vec![0; COMMITS_BEGIN];
    match file.read_exact_at(&mut head, 0) {
        Ok(()) => Ok(FileHeader::decode_either(&head).ok().map(|(header, _)| header.file)),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(fault(error)),
    }
}

/// Reads a slot; `None` when it holds nothing that is not sealed.
fn load(disk: &Arc<dyn Disk>, slot: u32, sealed_upto: FileSeq) -> Result<Option<Loaded>> {
    let path = slot_path(slot);
    let name = path.to_string_lossy().into_owned();
    let fault = |error| Error::io("reading a journal file", error).in_file(name.clone(), 0);
    let how = if is_planted(Bug::TrustPageCache) { Open::Read } else { Open::ReadDirect };
    let file = disk.open(&path, how).map_err(fault)?;
    let file_bytes = usize::try_from(file.bytes().map_err(fault)?).unwrap_or(usize::MAX);
    if file_bytes > JOURNAL_FILE_BYTES_MAX {
        let message =
            format!("journal file is larger than its limit max=`{JOURNAL_FILE_BYTES_MAX}`");
        return Err(Error::new(ErrorKind::Corrupt, message).in_file(name, 0));
    }
    let file_bytes = file_bytes - file_bytes % DIRECT_IO_BYTES;
    if file_bytes < COMMITS_BEGIN {
        return Ok(None);
    }
    let mut image = ImageWriter::new(file_bytes).map_err(fault)?;
    let (head, read) = image.write(COMMITS_BEGIN, |bytes| file.read_exact_at(bytes, 0));
    read.map_err(fault)?;
    let header = match FileHeader::decode_either(&head) {
        Ok((header, _)) if header.file <= sealed_upto => return Ok(None),
        Ok((header, is_whole)) => Some((header, is_whole)),
        Err(HeaderFault::NewerVersion(version)) => return Err(newer(version, &name)),
        Err(HeaderFault::Bad) => None,
    };
    drop(head);
    let mut image = image.recycle().expect("the only slice of it was dropped");
    let (bytes, read) = image.write(file_bytes, |bytes| file.read_exact_at(bytes, 0));
    read.map_err(fault)?;

    let found = match header {
        Some((header, is_whole)) => {
            let (header, items) = scan_by_either(&bytes, header, sealed_upto)
                .map_err(|version| newer(version, &name))?;
            let is_proven = durable_header(&items, header.file);
            let damage = (!is_whole && is_proven).then(|| header_damage(header.file, true));
            Some((header, items, damage))
        }
        None => headless(&bytes, sealed_upto).map_err(|version| newer(version, &name))?,
    };
    let is_header_whole = header.is_some_and(|(_, is_whole)| is_whole);
    Ok(found.map(|(header, items, header_damage)| {
        let length = u32::try_from(file_bytes).expect("bounded by JOURNAL_FILE_BYTES_MAX");
        let scanned = ScannedFile { header, items, bytes: length };
        Loaded { slot, file, image, bytes, scanned, is_header_whole, header_damage }
    }))
}

/// Scans a file by its header, or by the header's other copy when that is another file's and the
/// frames are too: one of them was written to the wrong place.
fn scan_by_either(
    bytes: &Bytes,
    header: FileHeader,
    sealed_upto: FileSeq,
) -> Result<(FileHeader, Vec<Item>), u8> {
    let items = scan(bytes, &header)?;
    if good_frames(&items) == 0
        && let Some(other) = FileHeader::decode_other(bytes, &header)
        && other.file > sealed_upto
        && !is_planted(Bug::TrustFileHeader)
    {
        let of_other = scan(bytes, &other)?;
        if good_frames(&of_other) > 0 {
            return Ok((other, of_other));
        }
    }
    Ok((header, items))
}

type Found = (FileHeader, Vec<Item>, Option<Damage>);

/// A file without a good header. While a header is being written for the first time that is as it
/// should be, and nothing in the file counts; but frames that say that the header was durable
/// prove that it was destroyed since.
fn headless(bytes: &Bytes, sealed_upto: FileSeq) -> Result<Option<Found>, u8> {
    let Some((salt, file)) = identify(bytes, sealed_upto) else {
        return Ok(None);
    };
    let header = FileHeader {
        salt,
        file,
        file_bytes: u32::try_from(bytes.len()).expect("bounded by JOURNAL_FILE_BYTES_MAX"),
        previous_end: JournalPosition::default(),
        began: Timestamp(0),
    };
    let items = scan(bytes, &header)?;
    if durable_header(&items, file) {
        Ok(Some((header, items, Some(header_damage(file, false)))))
    } else {
        Ok(None)
    }
}

/// Whether a frame among `items` was built when the header of `file` was durable.
fn durable_header(items: &[Item], file: FileSeq) -> bool {
    let begin = JournalPosition::new(file, 0);
    items.iter().any(|item| match item {
        Item::Good(frame) => frame.header().durable_upto > begin,
        Item::Bad(_) => false,
    })
}

fn header_damage(file: FileSeq, is_copy_good: bool) -> Damage {
    // One good copy says all that the other one did: no shard has lost anything.
    let shard = is_copy_good.then_some(ShardId::JOURNAL);
    let end = u32::try_from(COMMITS_BEGIN).expect("two disk blocks");
    Damage { file, start: 0, end, shard, first_seq: None }
}

/// Takes out of `files`, which are in order, those that claim to be what another one is, and hold
/// nothing of it: a block with the other's header was written to the wrong place. Answers their
/// slots, whose content nobody needs.
fn take_impostors(files: &mut Vec<Loaded>) -> Vec<u32> {
    let rank = |file: &Loaded| (file.good_frames(), file.is_header_whole);
    let mut impostors = Vec::new();
    let mut index = 1;
    while index < files.len() {
        let (one, other) = (&files[index - 1], &files[index]);
        let weaker = if rank(one) < rank(other) { index - 1 } else { index };
        let is_twice = one.scanned.header.file == other.scanned.header.file;
        if !is_twice || files[weaker].good_frames() > 0 {
            index += 1;
            continue;
        }
        let impostor = files.remove(weaker);
        tracing::warn!(
            path = %slot_path(impostor.slot).display(), file = %impostor.scanned.header.file,
            "a journal file has a header that belongs to another one, and nothing else of it; \
             it is recycled"
        );
        impostors.push(impostor.slot);
    }
    impostors
}

/// A file that lost its header does not know where the file before ends: there where its last good
/// frame does.
fn link_headless(files: &mut [Loaded]) {
    for index in 1..files.len() {
        let (before, rest) = files.split_at_mut(index);
        let (before, file) = (&before[index - 1].scanned, &mut rest[0].scanned.header);
        if file.previous_end == JournalPosition::default() {
            let end = before.items.iter().rev().find_map(|item| match item {
                Item::Good(frame) => Some(super::scan::end_offset(frame.header())),
                Item::Bad(_) => None,
            });
            let begin = u32::try_from(COMMITS_BEGIN).expect("two disk blocks");
            file.previous_end = JournalPosition::new(before.header.file, end.unwrap_or(begin));
        }
    }
}

/// Copies the bytes that are cut into a file of their own. A disk too full for that loses the
/// copy, not the start.
fn set_torn_tail_aside(
    disk: &Arc<dyn Disk>,
    end: JournalPosition,
    scanned: &ScannedFile,
    bytes: &Bytes,
) {
    let last = scanned.items.iter().rev().find_map(|item| match item {
        Item::Good(frame) => Some(super::scan::end_offset(frame.header())),
        // Not from the header's length: a good checksum does not make it fit the file.
        Item::Bad(region) => region.header.map(|_| region.end),
    });
    let last = (last.unwrap_or(end.offset()) as usize).min(bytes.len());
    let cut = bytes.get(end.offset() as usize..last).unwrap_or_default();
    let path = Path::new(ASIDE_DIR).join(format!("journal-{}-{}.cut", end.file(), end.offset()));
    let copied = (|| {
        if disk.open(&path, Open::Read).is_ok() {
            return Ok(());
        }
        let file = disk.open(&path, Open::Create)?;
        file.write_all_at(cut, 0)?;
        file.sync()?;
        disk.sync_dir(Path::new(ASIDE_DIR))
    })();
    match copied {
        Ok(()) => tracing::warn!(
            position = %end, bytes = cut.len(), aside = %path.display(),
            "the journal ends in a torn commit that was never acknowledged; it is cut and kept aside"
        ),
        Err(error) => tracing::warn!(
            position = %end, bytes = cut.len(), %error,
            "the journal ends in a torn commit that was never acknowledged; it is cut, and could \
             not be kept aside"
        ),
    }
}

fn newer(version: impl std::fmt::Display, name: &str) -> Error {
    let message = format!(
        "the journal was written by a newer version of the engine, use that one format=`{version}`"
    );
    Error::new(ErrorKind::Invalid, message).in_file(name, 0)
}
