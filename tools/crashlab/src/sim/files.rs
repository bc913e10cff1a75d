//! Files held against the catalog: what it names is there, and nothing else is.

use std::collections::BTreeMap;

use flowstone_engine::io::sim::SimDisk;
use flowstone_engine::segment::segment_path;
use flowstone_engine::{Inventory, take_inventory};

use crate::sim::beside;
use crate::sim::history::{Breach, History};
use crate::sim::rig::{JOURNAL_FILES_MAX, Rig};
use crate::verdict::Broken;

/// Checks the files of an engine that was just opened on a disk with room: whatever a crash or a
/// fault left half done was finished or put away.
pub(super) fn check(rig: &Rig, history: &History) -> Result<(), Breach> {
    let failed = |error: flowstone_engine::error::Error| {
        Breach::new(Broken::Unusable, format!("the catalog cannot be read: {error}"))
    };
    let inventory = take_inventory(rig.engine.catalog()).map_err(failed)?;
    history.check_retention(&inventory)?;
    if history.has_table {
        let shards = inventory.shards.iter().map(|shard| (shard.id, shard.retention_ms));
        beside::check(rig, &shards.collect::<Vec<_>>())?;
    }
    if rig.disk.is_limited() {
        // What is to be removed stays until there is room to write that down.
        return Ok(());
    }
    check_names(&rig.disk, &inventory)
}

fn check_names(disk: &SimDisk, inventory: &Inventory) -> Result<(), Breach> {
    let mut named: BTreeMap<String, u64> = inventory
        .segments
        .iter()
        .map(|segment| (segment_path(segment.id).to_string_lossy().into_owned(), segment.bytes))
        .collect();
    let mut slots = 0;
    for (path, bytes) in disk.files() {
        let is_known = match path.split_once('/') {
            None => matches!(path.as_str(), "lock" | "catalog.redb" | "catalog.mark" | "reserve"),
            Some(("segments", _)) => match named.remove(&path) {
                Some(expected) if expected != bytes => {
                    let what = format!("{path} has {bytes} bytes, the catalog says {expected}");
                    return Err(Breach::new(Broken::WrongBytes, what));
                }
                known => known.is_some(),
            },
            Some(("journal", name)) => {
                slots += 1;
                name.starts_with("slot-") && name.ends_with(".fsj")
            }
            Some((dir, _)) => dir == "aside",
        };
        if !is_known {
            return Err(Breach::new(Broken::Phantom, format!("{path} is there for nothing")));
        }
    }
    if let Some((path, _)) = named.pop_first() {
        return Err(Breach::new(Broken::Lost, format!("{path} is in the catalog and not there")));
    }
    if slots > JOURNAL_FILES_MAX {
        let what = format!("{slots} journal files, more than {JOURNAL_FILES_MAX}");
        return Err(Breach::new(Broken::Phantom, what));
    }
    Ok(())
}
