//! Bugs of a running store, which back ends must catch on real processes and file systems.

use std::fs;
use std::io;
use std::sync::atomic::AtomicBool;

use flowstone_engine::planted::Bug;
use tempfile::TempDir;

use crate::backend::{BackEnd, Lab};
use crate::planted::{Caught, Planted};
use crate::run::{How, Outcome, run};
use crate::target::Target;
use crate::{blocks, failed_flush, faults, kill, machine};

/// States after which a bug counts as not caught.
const STATES_MAX: u64 = 100;
/// The same, for states of a block log: they come by the hundred.
const BLOCKS_MAX: u64 = 2000;

pub(super) fn all() -> Vec<Planted> {
    let planted = |bug, what, caught_by, back_end: fn() -> Box<dyn BackEnd>| Planted {
        bug: format!("{bug:?}, in a running store"),
        what,
        caught_by,
        catch: Box::new(move |lab| catch(&*back_end(), bug, lab)),
    };
    let blocks = || -> Box<dyn BackEnd> { Box::new(blocks::Ext4Settings { states: BLOCKS_MAX }) };
    let faults = || -> Box<dyn BackEnd> { Box::new(faults::Settings { rounds: STATES_MAX }) };
    let flushes =
        || -> Box<dyn BackEnd> { Box::new(failed_flush::Settings { rounds: STATES_MAX }) };
    vec![
        planted(Bug::AckBeforeFlush, "acknowledges when a commit is submitted", "kill", || {
            Box::new(kill::Settings { kills: STATES_MAX, server: false })
        }),
        planted(Bug::AckBeforeFlush, "the same", "blocks_ext4", blocks),
        planted(
            Bug::SkipSegmentSync,
            "renames a segment that is not flushed",
            "blocks_ext4",
            blocks,
        ),
        planted(Bug::SkipDirectorySync, "does not flush the rename", "blocks_ext4", blocks),
        planted(
            Bug::FreeBeforeCatalog,
            "frees a journal file before the catalog knows the segment",
            "blocks_ext4",
            blocks,
        ),
        planted(Bug::IgnoreWriteError, "takes a failed write for a success", "faults", faults),
        planted(Bug::RetryFailedFlush, "flushes again, and believes it", "faults", faults),
        planted(Bug::IgnoreWriteError, "the same", "failed_flush", flushes),
        never_flushes(),
    ]
}

/// A store that never flushes, in a virtual machine: what the lab's own guest must be able to lose.
fn never_flushes() -> Planted {
    Planted {
        bug: "a store that never flushes".to_owned(),
        what: "acknowledges what the operating system has taken",
        caught_by: "machine",
        catch: Box::new(|lab| {
            let binary = lab.scratch.join("never-flushes");
            fs::write(&binary, include_str!("never_flushes.sh"))?;
            let target = Target::Own { binary, arguments: Vec::new() };
            let lab = Lab { target, ..lab.clone() };
            caught(&machine::Settings::default(), &lab)
        }),
    }
}

/// Runs `back_end` on an engine with `bug`.
fn catch(back_end: &dyn BackEnd, bug: Bug, lab: &Lab) -> io::Result<Caught> {
    let mut lab = lab.clone();
    if let Target::Own { arguments, .. } = &mut lab.target {
        arguments.extend(["--plant".to_owned(), format!("{bug:?}")]);
    }
    caught(back_end, &lab)
}

fn caught(back_end: &dyn BackEnd, lab: &Lab) -> io::Result<Caught> {
    // What one bug leaves behind is not in the way of the next.
    let scratch = TempDir::new_in(&lab.scratch)?;
    let lab = &Lab { scratch: scratch.path().to_owned(), ..lab.clone() };
    let stop = AtomicBool::new(false);
    let how = How { jobs: 2, again: false, time_max: None, stop: &stop };
    let parts = run(&[back_end], lab, &how, &Default::default(), &|_, _| Ok(()))?;
    let Some(part) = parts.first() else { return Ok(Caught::No) };
    Ok(match (part.outcome, part.tally.findings.first()) {
        (Outcome::Skipped, _) => Caught::Skipped(part.reason.clone().unwrap_or_default()),
        (_, Some(found)) => Caught::Yes(format!("{}: {}", found.broken.name(), found.what)),
        (_, None) => Caught::No,
    })
}
