//! Bits that rot, and blocks that come back from the past or went to the wrong place: what is
//! missing afterwards is reported, and nothing wrong is served.

use std::collections::BTreeMap;
use std::sync::Arc;

use flowstone_engine::clock::ManualClock;
use flowstone_engine::entropy::SeededEntropy;
use flowstone_engine::error::ErrorKind;
use flowstone_engine::io::sim::SimDisk;
use flowstone_engine::types::Timestamp;

use crate::sim::history::{Breach, History};
use crate::sim::recover::guarded;
use crate::sim::rig::Rig;
use crate::sim::shapes::Shape;
use crate::sim::sweep::{Found, Swept, Told};
use crate::sim::workload::{Moment, record, run};
use crate::verdict::Broken;

/// Lets bits rot at `places` places of the journal and of each segment after the workload has
/// ended, one disk each, and recovers three times: whatever is missing must be reported.
pub fn rot(shape: &Shape, seed: u64, places: u64) -> Result<Swept, Box<Found>> {
    let mut swept = Swept::default();
    let end = run(shape, seed, |_| ()).end();
    let random = SeededEntropy::new(seed ^ 0xb17);
    for place in 0..places {
        let disk = end.snapshot.crash(seed);
        let Some((file, byte, bit)) = rotten_place(&disk, &random) else { continue };
        disk.flip_bit(&file, byte, bit);
        swept.points += 1;
        check_damaged(&disk, &end.history, end.now, place, &mut swept).map_err(|breach| {
            let replay = format!("{}: seed {seed}, bit {bit} of byte {byte} of {file}", shape.name);
            Box::new(Found { breach, replay })
        })?;
    }
    Ok(swept)
}

/// The unit in which devices lose and misplace writes.
const BLOCK_BYTES: usize = 4096;

/// One in so many moments of a run is kept to take old blocks from.
const OLD_ONCE_IN: u64 = 24;

/// After the workload has ended, lets `places` blocks of the journal, of segments and of the
/// catalog come back as they were earlier, or as another block is, one disk each: a write was lost,
/// or went to the wrong place. Whatever is missing must be reported, and nothing wrong is served.
pub fn misplace(
    shape: &Shape,
    seed: u64,
    places: u64,
    swept: &mut Swept,
    told: Told<'_>,
) -> Result<(), Box<Found>> {
    let kept =
        move |moment: &flowstone_engine::io::sim::Moment<'_>| moment.op.is_multiple_of(OLD_ONCE_IN);
    let (run, mut moments) = record(shape, seed, |_| (), kept);
    drop(run);
    let Some(end) = moments.pop() else { return Ok(()) };
    let random = SeededEntropy::new(seed ^ 0xb10c);
    for place in 0..places {
        let disk = end.snapshot.crash(seed);
        let Some(what) = misplace_one(&disk, &moments, &random) else { continue };
        swept.points += 1;
        if let Err(breach) = check_damaged(&disk, &end.history, end.now, place, swept) {
            let replay = format!("{}: seed {seed}, place {place}: {what}", shape.name);
            told(Found { breach, replay })?;
        }
    }
    Ok(())
}

/// Damages one block, and says how; `None` when it would be as it is.
fn misplace_one(disk: &SimDisk, old: &[Moment], random: &SeededEntropy) -> Option<String> {
    let (file, bytes) = some_file(disk, random)?;
    let (at, now) = some_block(&bytes, random)?;
    let (from, block) = if random.below(2) == 0 {
        let moment = old.get(random.index(old.len()))?;
        let before = moment.snapshot.read_raw(&file)?;
        let block = before.get(at..at + now.len())?.to_vec();
        (format!("as it was before op {}", moment.op), block)
    } else {
        let (other, bytes) = some_file(disk, random)?;
        let (from, block) = some_block(&bytes, random)?;
        let length = block.len().min(now.len());
        (format!("as byte {from} of {other}"), block[..length].to_vec())
    };
    if *now == block {
        return None;
    }
    disk.overwrite(&file, &block, at as u64);
    Some(format!("byte {at} of {file} {from}"))
}

/// Some file of the journal, of segments, or the catalog, with what is in it.
fn some_file(disk: &SimDisk, random: &SeededEntropy) -> Option<(String, Vec<u8>)> {
    const ENDS: [&str; 3] = [".fsj", ".seg", ".redb"];
    let mut files = disk.file_names();
    files.retain(|name| ENDS.iter().any(|end| name.ends_with(end)));
    let file = files.get(random.index(files.len()))?.clone();
    let bytes = disk.read_raw(&file)?;
    Some((file, bytes))
}

/// Some block that was written.
fn some_block<'a>(bytes: &'a [u8], random: &SeededEntropy) -> Option<(usize, &'a [u8])> {
    let written = bytes.iter().rposition(|byte| *byte != 0)? + 1;
    let number = random.index(written.div_ceil(BLOCK_BYTES));
    let at = number * BLOCK_BYTES;
    Some((at, &bytes[at..bytes.len().min(at + BLOCK_BYTES)]))
}

/// Recovers a damaged disk three times: whatever is missing must be reported each time, and what
/// was served once is served again.
pub(super) fn check_damaged(
    disk: &Arc<SimDisk>,
    history: &History,
    now: Timestamp,
    seed: u64,
    swept: &mut Swept,
) -> Result<(), Breach> {
    let clock = Arc::new(ManualClock::at(now));
    let mut disk = Arc::clone(disk);
    let mut served = BTreeMap::new();
    for again in 0..3 {
        swept.states += 1;
        swept.acked += history.acked;
        let next = guarded(|| {
            // A refusal to open is a report too, if it says that something is corrupt.
            let mut rig = match Rig::open(&disk, &clock, seed) {
                Ok(rig) => rig,
                Err(error) if error.kind() == ErrorKind::Corrupt => return Ok(None),
                Err(error) => {
                    return Err(Breach::new(Broken::Unusable, format!("does not open: {error}")));
                }
            };
            let mut now = history.check_damaged(&rig)?;
            // Every other disk is not sealed at first: then the next start finds the damage again.
            if again > 0 || seed.is_multiple_of(2) {
                while rig.crew.seal() {}
                rig.crew.compact();
                now = history.check_damaged(&rig)?;
            }
            for (shard, upto) in &now {
                if served.get(shard) > Some(upto) {
                    let what = format!("shard {shard}: no longer served up to {:?}", served[shard]);
                    return Err(Breach::new(Broken::Lost, what));
                }
            }
            served = now;
            let left = disk.crash(again);
            disk.power_off();
            Ok(Some(left))
        })?;
        match next {
            Some(next) => disk = next,
            None => break,
        }
    }
    Ok(())
}

/// A bit of some journal file or segment that was written.
fn rotten_place(disk: &SimDisk, random: &SeededEntropy) -> Option<(String, u64, u8)> {
    let files: Vec<_> = disk
        .file_names()
        .into_iter()
        .filter(|name| name.ends_with(".fsj") || name.ends_with(".seg"))
        .collect();
    let file = files.get(random.index(files.len()))?;
    let bytes = disk.read_raw(file)?;
    let written = bytes.iter().rposition(|byte| *byte != 0)? as u64 + 1;
    Some((file.clone(), random.below(written), u8::try_from(random.index(8)).ok()?))
}
