//! One damaged disk: opened, read, and now and then worked on, and the verdict on it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use flowstone_engine::io::sim::SimDisk;

use crate::flips::damage::Damage;
use crate::flips::known::{AFTER, Served, is_report};
use crate::flips::quiet::Quiet;
use crate::flips::scene::Scene;
use crate::sim::rig::Rig;
use crate::verdict::Broken;

/// Times that the work after damage is started anew.
const STARTS: u64 = 2;

/// What damage led to, where no promise was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everything is served, and the engine has noticed nothing.
    Harmless,
    /// Everything is served, and the engine says that something is damaged.
    Noticed,
    /// Something is not served, and its readers are told so.
    Reported,
    /// The engine does not open, and says that something is damaged.
    Refused,
}

impl Outcome {
    /// As counts spell it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Outcome::Harmless => "harmless",
            Outcome::Noticed => "noticed",
            Outcome::Reported => "reported",
            Outcome::Refused => "refused",
        }
    }
}

/// How thoroughly a disk is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Opened, and everything read.
    Read,
    /// Also appended to, sealed, compacted, and opened again, all of which must change nothing
    /// about what is served and what is reported.
    Work,
}

type Found = (Broken, String);

/// Does `damage` to a copy of the scene's disk, and judges what the engine makes of it.
pub fn judge(scene: &Scene, damage: &Damage, depth: Depth) -> Result<Outcome, Found> {
    let _quiet = Quiet::begin();
    let disk = scene.copy();
    damage.apply(scene, &disk);
    let judged = catch_unwind(AssertUnwindSafe(|| look(scene, &disk, depth)));
    let outcome = judged.unwrap_or_else(|panic| {
        let what = panic.downcast_ref::<String>().map(String::as_str);
        let what = what.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("?");
        Err((Broken::Unusable, format!("panic: {what}")))
    })?;
    let place = damage.place();
    if outcome != Outcome::Harmless && scene.is_free(&place.file, &place.range) {
        let what = format!("nobody needs what was damaged, and it was {}", outcome.name());
        return Err((Broken::FalseAlarm, what));
    }
    Ok(outcome)
}

fn look(scene: &Scene, disk: &Arc<SimDisk>, depth: Depth) -> Result<Outcome, Found> {
    let mut rig = match scene.open(disk, 1) {
        Ok(rig) => rig,
        Err(error) if is_report(&error) => return Ok(Outcome::Refused),
        Err(error) => return Err((Broken::Unusable, format!("does not open: {error}"))),
    };
    let served = scene.known.check(&rig, true)?;
    let has_noticed = !rig.engine.recovery().damages.is_empty()
        || !rig.engine.status().quarantined_shards.is_empty();
    let outcome =
        match (served.reported.is_empty() && served.records == scene.known.records, has_noticed) {
            (true, false) => Outcome::Harmless,
            (true, true) => Outcome::Noticed,
            (false, _) => Outcome::Reported,
        };
    if depth == Depth::Work {
        append(scene, &mut rig)?;
        work_and_start_again(scene, rig, &served)?;
    }
    Ok(outcome)
}

/// Appends to every shard: it goes on where it ended, or says that it is damaged or closed.
fn append(scene: &Scene, rig: &mut Rig) -> Result<(), Found> {
    for (shard, end) in scene.known.ends() {
        let refused = |error: &flowstone_engine::error::Error| {
            let is_told = is_report(error) || error.is_shard_closed();
            let what = format!("shard {shard} takes no append: {error}");
            if is_told { Ok(()) } else { Err((Broken::Unusable, what)) }
        };
        let mut answer = match rig.enqueue(shard, &[AFTER.to_vec()]) {
            Ok(answer) => answer,
            Err(error) => {
                refused(&error)?;
                continue;
            }
        };
        rig.crew.commit_all();
        match answer() {
            Some(Ok(appended)) if appended.first_seq == end => {}
            // What is damaged in segments leaves the end where it was.
            Some(Ok(appended)) => {
                let what = format!("shard {shard} goes on at {}, not {end}", appended.first_seq);
                return Err((Broken::Phantom, what));
            }
            Some(Err(error)) => refused(&error)?,
            None => return Err((Broken::Unusable, format!("shard {shard}: never answered"))),
        }
    }
    Ok(())
}

/// Seals, compacts, reads, loses power, and all that again: what was served stays served, what was
/// reported stays reported.
fn work_and_start_again(scene: &Scene, mut rig: Rig, before: &Served) -> Result<(), Found> {
    for start in 0..STARTS {
        while rig.crew.seal() {}
        rig.crew.compact();
        let now = scene.known.check(&rig, false)?;
        if let Some(shard) = before.reported.difference(&now.reported).next() {
            return Err((Broken::Undetected, format!("shard {shard}: reported once, not again")));
        }
        for (shard, upto) in &before.upto {
            if now.upto.get(shard) < Some(upto) {
                return Err((Broken::Lost, format!("shard {shard}: no longer up to {upto}")));
            }
        }
        let disk = rig.disk.crash(start);
        drop(rig);
        rig = match scene.open(&disk, start) {
            Ok(rig) => rig,
            Err(error) => {
                return Err((Broken::Unusable, format!("does not open again: {error}")));
            }
        };
    }
    Ok(())
}
