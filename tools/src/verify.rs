//! What is damaged, and where: every journal file that counts, every block of every segment, and
//! that no shard lacks records in between.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use flowstone_engine::error::{Error, ErrorKind, Result};
use flowstone_engine::journal::recover::Recovered;
use flowstone_engine::segment::{SEGMENTS_DIR, Segment, segment_of, segment_path};
use flowstone_engine::types::{SeqNo, ShardId};
use serde::Serialize;

use crate::directory::Directory;
use crate::progress::Progress;

/// Something that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Damage {
    /// What is wrong.
    pub what: String,
    /// In which file, in the data directory.
    pub file: String,
    /// The first byte concerned.
    pub offset: u64,
    /// Whose records are concerned, where that can be known.
    pub shard: Option<u64>,
    /// The first of the records, where that can be known.
    pub seq: Option<u64>,
}

/// What was looked at, and what was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Bytes of journal files that count.
    pub journal_bytes: u64,
    /// Frames in them.
    pub journal_frames: usize,
    /// Segments.
    pub segments: usize,
    /// Bytes of segments.
    pub segment_bytes: u64,
    /// Whether the last process closed the directory in order.
    pub is_clean_shutdown: bool,
    /// What is worth knowing and no damage.
    pub notes: Vec<String>,
    /// What is damaged.
    pub damages: Vec<Damage>,
}

/// Looks at everything.
pub fn verify(directory: &Directory) -> Result<Report> {
    let mut report = Report::default();
    verify_catalog(directory, &mut report);
    let journal = directory.journal()?;
    verify_journal(directory, &journal, &mut report)?;
    verify_segments(directory, &mut report)?;
    verify_order(directory, &journal, &mut report);
    Ok(report)
}

/// Prints the report as lines of text, or as one JSON object.
pub fn print(report: &Report, is_json: bool, out: &mut dyn Write) -> std::io::Result<()> {
    if is_json {
        let text = serde_json::to_string(report).map_err(std::io::Error::other)?;
        return writeln!(out, "{text}");
    }
    for damage in &report.damages {
        write!(out, "DAMAGED {} offset={} {}", damage.file, damage.offset, damage.what)?;
        if let Some(shard) = damage.shard {
            write!(out, " shard={shard}")?;
        }
        if let Some(seq) = damage.seq {
            write!(out, " seq={seq}")?;
        }
        writeln!(out)?;
    }
    for note in &report.notes {
        writeln!(out, "note: {note}")?;
    }
    writeln!(
        out,
        "journal: {} frames in {} bytes; segments: {} in {} bytes; damages: {}",
        report.journal_frames,
        report.journal_bytes,
        report.segments,
        report.segment_bytes,
        report.damages.len()
    )
}

/// Shards that have lost records once, as the catalog remembers.
fn verify_catalog(directory: &Directory, report: &mut Report) {
    for shard in &directory.inventory().shards {
        if let Some((from, reason)) = &shard.quarantine {
            report.damages.push(Damage {
                what: format!("quarantined: {reason}"),
                file: "catalog.redb".to_owned(),
                offset: 0,
                shard: Some(shard.id.0),
                seq: Some(from.0),
            });
        }
    }
}

fn verify_journal(directory: &Directory, journal: &Recovered, report: &mut Report) -> Result<()> {
    let names = directory.journal_names()?;
    let verdict = &journal.verdict;
    report.journal_bytes = journal.bytes;
    report.journal_frames = verdict.frames.len();
    report.is_clean_shutdown = verdict.is_clean;
    if verdict.has_torn_tail {
        report.notes.push(format!(
            "the journal ends in a torn commit that was never acknowledged position=`{}`",
            verdict.end
        ));
    }
    for damage in &verdict.damages {
        let name = names.get(&damage.file).cloned();
        report.damages.push(Damage {
            what: format!(
                "{} bytes that were durable are not as written",
                damage.end - damage.start
            ),
            file: name.unwrap_or_else(|| format!("journal file number {}", damage.file)),
            offset: damage.start.into(),
            shard: damage.shard.filter(|shard| *shard != ShardId::JOURNAL).map(|shard| shard.0),
            seq: damage.first_seq.map(|seq| seq.0),
        });
    }
    Ok(())
}

fn verify_segments(directory: &Directory, report: &mut Report) -> Result<()> {
    let segments = &directory.inventory().segments;
    let all: u64 = segments.iter().map(|segment| segment.bytes).sum();
    let mut progress = Progress::of("segments");
    for entry in segments {
        let damages = match Segment::open(&**directory.disk(), entry.id) {
            Ok(segment) => {
                let before = report.segment_bytes;
                segment.verify(&mut |done, _| progress.tell(before + done, all))
            }
            Err(error) => vec![error],
        };
        let name = segment_path(entry.id).to_string_lossy().into_owned();
        report.damages.extend(damages.iter().map(|error| damage_of(error, &name)));
        report.segments += 1;
        report.segment_bytes += entry.bytes;
    }
    let files = directory.disk().list(Path::new(SEGMENTS_DIR));
    for file in files.map_err(|error| Error::io("listing the segments", error))? {
        let id = segment_of(&file.name);
        if !segments.iter().any(|segment| Some(segment.id) == id) {
            report.notes.push(format!("the catalog does not know file=`{}`", file.name));
        }
    }
    Ok(())
}

fn damage_of(error: &Error, file: &str) -> Damage {
    let place = error.place();
    let what = match error.kind() {
        ErrorKind::NotFound => "the file is missing".to_owned(),
        _ => error.message().to_owned(),
    };
    Damage {
        what,
        file: place.file.clone().unwrap_or_else(|| file.to_owned()),
        offset: place.byte_offset.unwrap_or(0),
        shard: place.shard.map(|shard| shard.0),
        seq: None,
    }
}

/// That the records of each shard follow one another, from segment to segment and to the journal.
/// Damage explains a gap: then it is not told again.
fn verify_order(directory: &Directory, journal: &Recovered, report: &mut Report) {
    if !report.damages.is_empty() {
        return;
    }
    let mut pieces: BTreeMap<ShardId, Vec<(SeqNo, SeqNo, String)>> = BTreeMap::new();
    for segment in &directory.inventory().segments {
        let name = segment_path(segment.id).to_string_lossy().into_owned();
        for (shard, first, end) in &segment.runs {
            pieces.entry(*shard).or_default().push((*first, *end, name.clone()));
        }
    }
    for frame in &journal.verdict.frames {
        let header = frame.header();
        let piece = (header.first_seq, header.end_seq(), format!("journal {}", header.position));
        pieces.entry(header.shard).or_default().push(piece);
    }
    let known = directory.inventory().shards.iter().map(|shard| shard.id);
    for shard in known {
        let Some(mut pieces) = pieces.remove(&shard) else { continue };
        pieces.sort();
        let mut expected = pieces.first().map_or(SeqNo(0), |(first, ..)| *first);
        for (first, end, file) in pieces {
            if first > expected {
                report.damages.push(Damage {
                    what: format!("{} records before this are missing", first.0 - expected.0),
                    file,
                    offset: 0,
                    shard: Some(shard.0),
                    seq: Some(expected.0),
                });
            }
            expected = expected.max(end);
        }
    }
}
