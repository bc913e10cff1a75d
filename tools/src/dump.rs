//! The records of a shard, from its segments and then from the journal.

use std::io::Write;
use std::sync::Arc;

use flowstone_engine::error::{Error, ErrorKind, Result};
use flowstone_engine::frame::Frame;
use flowstone_engine::segment::{BlockCache, Segment, segment_path};
use flowstone_engine::types::{SeqNo, ShardId};
use serde_json::json;

use crate::directory::Directory;

/// Bytes of frames in memory at once.
const PAGE_BYTES: usize = 4 << 20;
/// Bytes of data that a line of text shows.
const SHOWN_BYTES: usize = 48;

/// What to print.
#[derive(Clone, Copy, Debug)]
pub struct Selection {
    /// Whose records.
    pub shard: ShardId,
    /// From this sequence number on.
    pub from: SeqNo,
    /// So many lines at most.
    pub limit: u64,
    /// Frames instead of records.
    pub frames: bool,
    /// Text instead of JSON.
    pub text: bool,
}

/// Prints a line for each record or frame. Answers how many lines.
pub fn dump(directory: &Directory, selection: &Selection, out: &mut dyn Write) -> Result<u64> {
    let inventory = directory.inventory();
    let shard = selection.shard;
    if !inventory.shards.iter().any(|entry| entry.id == shard) {
        return Err(Error::new(ErrorKind::NotFound, "there is no such shard").in_shard(shard));
    }
    let mut printer = Printer { selection: *selection, next: selection.from, lines: 0, out };
    let mut runs: Vec<_> = inventory
        .segments
        .iter()
        .flat_map(|segment| segment.runs.iter().map(move |run| (segment.id, *run)))
        .filter(|(_, (of, _, end))| *of == shard && *end > selection.from)
        .collect();
    runs.sort_by_key(|(_, (_, first, _))| *first);
    let cache = BlockCache::new(PAGE_BYTES);
    for (id, (_, first, end)) in runs {
        let segment = Arc::new(Segment::open(&**directory.disk(), id)?);
        let source = segment_path(id).to_string_lossy().into_owned();
        printer.next = printer.next.max(first);
        while printer.next < end && !printer.is_done() {
            let frames = segment.frames(shard, printer.next, PAGE_BYTES, &cache)?;
            if frames.is_empty() {
                break;
            }
            for frame in &frames {
                printer.print(frame, &source)?;
            }
        }
    }
    if !printer.is_done() {
        let names = directory.journal_names()?;
        let journal = directory.journal()?;
        let own = |frame: &&Frame| frame.header().shard == shard;
        for frame in journal.verdict.frames.iter().filter(own) {
            let file = frame.header().position.file();
            let source = names.get(&file).cloned().unwrap_or_else(|| format!("journal {file}"));
            printer.print(frame, &source)?;
        }
    }
    Ok(printer.lines)
}

struct Printer<'a> {
    selection: Selection,
    next: SeqNo,
    lines: u64,
    out: &'a mut dyn Write,
}

impl Printer<'_> {
    fn is_done(&self) -> bool {
        self.lines >= self.selection.limit
    }

    fn print(&mut self, frame: &Frame, source: &str) -> Result<()> {
        if frame.header().end_seq() <= self.next || self.is_done() {
            return Ok(());
        }
        let printed = if self.selection.frames {
            self.print_frame(frame, source)
        } else {
            self.print_records(frame, source)
        };
        printed.map_err(|error| Error::io("printing", error))
    }

    fn print_frame(&mut self, frame: &Frame, source: &str) -> std::io::Result<()> {
        let header = frame.header();
        if self.selection.text {
            writeln!(
                self.out,
                "{source} position={} seq={}..{} arrival_ms={} epoch={} payload_bytes={}",
                header.position,
                header.first_seq,
                header.end_seq(),
                header.arrival,
                header.epoch,
                header.payload_bytes
            )?;
        } else {
            let line = json!({
                "source": source,
                "position": header.position.to_string(),
                "durable_upto": header.durable_upto.to_string(),
                "shard": header.shard.0,
                "first_seq": header.first_seq.0,
                "count": header.count,
                "arrival_ms": header.arrival.0,
                "epoch": header.epoch.0,
                "payload_bytes": header.payload_bytes,
            });
            writeln!(self.out, "{line}")?;
        }
        self.lines += 1;
        self.next = header.end_seq();
        Ok(())
    }

    fn print_records(&mut self, frame: &Frame, source: &str) -> std::io::Result<()> {
        let header = frame.header();
        for (seq, record) in (header.first_seq.0..).zip(frame.records()) {
            if seq < self.next.0 || self.is_done() {
                continue;
            }
            let key = String::from_utf8_lossy(record.key);
            if self.selection.text {
                let shown = &record.data[..record.data.len().min(SHOWN_BYTES)];
                writeln!(
                    self.out,
                    "{seq} arrival_ms={} key={key:?} bytes={} data={:?} {source}",
                    header.arrival,
                    record.data.len(),
                    String::from_utf8_lossy(shown)
                )?;
            } else {
                let line = json!({
                    "source": source,
                    "position": header.position.to_string(),
                    "shard": header.shard.0,
                    "seq": seq,
                    "arrival_ms": header.arrival.0,
                    "key": key,
                    "data": base64_simd::STANDARD.encode_to_string(record.data),
                });
                writeln!(self.out, "{line}")?;
            }
            self.lines += 1;
            self.next = SeqNo(seq + 1);
        }
        Ok(())
    }
}
