//! What there is: shards, segments, journal files.

use std::io::Write;

use flowstone_engine::error::{Error, Result};
use serde_json::json;

use crate::directory::Directory;

/// Prints what is in `directory`, as lines of text or as one JSON object.
pub fn list(directory: &Directory, is_json: bool, out: &mut dyn Write) -> Result<()> {
    let printed = if is_json { as_json(directory, out) } else { as_text(directory, out) };
    printed?.map_err(|error| Error::io("printing", error))
}

fn as_text(directory: &Directory, out: &mut dyn Write) -> Result<std::io::Result<()>> {
    let inventory = directory.inventory();
    let files = directory.journal_files()?;
    Ok((|| {
        writeln!(out, "shards {}", inventory.shards.len())?;
        for shard in &inventory.shards {
            write!(
                out,
                "  shard {} created_ms={} retention_ms={} epoch={}",
                shard.id, shard.created, shard.retention_ms, shard.epoch
            )?;
            if let Some((from, reason)) = &shard.quarantine {
                write!(out, " QUARANTINED from={from} reason=`{reason}`")?;
            }
            writeln!(out)?;
        }
        writeln!(out, "segments {}", inventory.segments.len())?;
        for segment in &inventory.segments {
            writeln!(
                out,
                "  segment {:016x} bytes={} raw_bytes={} tier={} compressed={} shards={}",
                segment.id.0,
                segment.bytes,
                segment.raw_bytes,
                segment.tier,
                segment.is_compressed,
                segment.runs.len()
            )?;
        }
        writeln!(out, "journal files {} sealed_upto={}", files.len(), inventory.sealed_upto)?;
        for file in &files {
            match file.header {
                Some(header) => writeln!(
                    out,
                    "  {} bytes={} number={} began_ms={} {}",
                    file.name,
                    file.bytes,
                    header.file,
                    header.began,
                    if header.file > inventory.sealed_upto { "live" } else { "free" }
                )?,
                None => {
                    writeln!(out, "  {} bytes={} without a good header", file.name, file.bytes)?
                }
            }
        }
        Ok(())
    })())
}

fn as_json(directory: &Directory, out: &mut dyn Write) -> Result<std::io::Result<()>> {
    let inventory = directory.inventory();
    let shards: Vec<_> = inventory
        .shards
        .iter()
        .map(|shard| {
            let quarantine = shard.quarantine.as_ref();
            json!({
                "shard": shard.id.0,
                "created_ms": shard.created.0,
                "retention_ms": shard.retention_ms,
                "epoch": shard.epoch.0,
                "quarantined_from": quarantine.map(|(from, _)| from.0),
                "quarantine_reason": quarantine.map(|(_, reason)| reason),
            })
        })
        .collect();
    let segments: Vec<_> = inventory
        .segments
        .iter()
        .map(|segment| {
            let runs = segment.runs.iter().map(|(shard, first, end)| {
                json!({"shard": shard.0, "first_seq": first.0, "end_seq": end.0})
            });
            json!({
                "segment": segment.id.0,
                "bytes": segment.bytes,
                "raw_bytes": segment.raw_bytes,
                "tier": segment.tier,
                "compressed": segment.is_compressed,
                "runs": runs.collect::<Vec<_>>(),
            })
        })
        .collect();
    let files: Vec<_> = directory
        .journal_files()?
        .iter()
        .map(|file| {
            json!({
                "file": file.name,
                "bytes": file.bytes,
                "number": file.header.map(|header| header.file.0),
                "began_ms": file.header.map(|header| header.began.0),
                "live": file.header.map(|header| header.file > inventory.sealed_upto),
            })
        })
        .collect();
    let all = json!({
        "shards": shards,
        "segments": segments,
        "journal_files": files,
        "sealed_upto": inventory.sealed_upto.0,
    });
    Ok(writeln!(out, "{all}"))
}
