//! A block device whose flushes fail from one on, below a real file system: what it had in its cache
//! is partly lost.
//!
//! ```text
//!   store -> ext4, XFS in turn -> loop device -> disk of the lab's own: flush number n fails
//!   then:  kill, unmount, mount, start, dump: all that was acknowledged is there
//! ```
//!
//! The flush that fails first may be the store's own or the file system's. Later ones fail too: a
//! disk that lost what others had written, and then flushed for them with success, would tell them
//! nothing, and no program could know. That a flush fails once is tried by `faults`, file by file.

use std::io;
use std::path::PathBuf;

use serde::Deserialize;
use tempfile::TempDir;

use crate::backend::{BackEnd, Lab, Worker};
use crate::block::{Disk, FileSystem, Image};
use crate::faults::drive;
use crate::target::{Failure, Ledger, Load, Store};
use crate::verdict::{Broken, Tally};

/// Appends of a round, at most.
const RECORDS_MAX: u64 = 400;
/// Flushes that go well before the one that fails, at most.
const FLUSHES_MAX: u64 = 40;

/// How often a flush fails.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Rounds, on ext4 and on XFS in turn.
    pub rounds: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { rounds: 10 }
    }
}

impl BackEnd for Settings {
    fn name(&self) -> &'static str {
        "failed_flush"
    }

    fn detect(&self, lab: &Lab) -> Result<(), String> {
        Disk::detect(&lab.scratch, FileSystem::Ext4)?;
        Disk::detect(&lab.scratch, FileSystem::Xfs)
    }

    fn goal(&self) -> u64 {
        self.rounds
    }

    fn worker<'a>(&'a self, lab: &'a Lab, job: usize) -> io::Result<Box<dyn Worker + 'a>> {
        let log = lab.scratch.join(format!("failed-flush-{job}.log"));
        let disks =
            [FileSystem::Ext4, FileSystem::Xfs].map(|filesystem| Formatted::new(lab, filesystem));
        let [ext4, xfs] = disks;
        Ok(Box::new(Flushes { lab, log, disks: [ext4?, xfs?] }))
    }
}

/// A disk, and what is on it when a file system is new.
struct Formatted {
    disk: Disk,
    empty: Image,
    // Dropped after the disk that is mounted in it.
    _folder: TempDir,
}

impl Formatted {
    fn new(lab: &Lab, filesystem: FileSystem) -> io::Result<Formatted> {
        let folder = TempDir::new_in(&lab.scratch)?;
        let disk = Disk::new(folder.path(), filesystem)?;
        let empty = disk.make()?;
        Ok(Formatted { disk, empty, _folder: folder })
    }
}

struct Flushes<'a> {
    lab: &'a Lab,
    log: PathBuf,
    disks: [Formatted; 2],
}

impl Flushes<'_> {
    fn round(
        &self,
        number: u64,
        replay: &str,
        tally: &mut Tally,
    ) -> io::Result<Result<(), Failure>> {
        let mut random = self.lab.random(number);
        let Formatted { disk, empty, .. } = &self.disks[usize::from(number % 2 == 1)];
        let mut ledger = Ledger::new(random.bits());
        disk.device().put(empty.clone());
        let mounted = disk.mount()?;
        let mut live = || -> Result<(), Failure> {
            let mut store = Store::start(&self.lab.target, &mounted.data(), &self.log, &[])?;
            let noise = crate::random::Random::new(random.bits());
            disk.device().fail_flush(random.below(FLUSHES_MAX), noise);
            let has_failed = || disk.device().has_failed();
            let driven = drive(&mut store, &mut ledger, &mut random, RECORDS_MAX, &has_failed)?;
            tally.count("flushes that failed", u64::from(has_failed()));
            tally.count("appends refused", driven.refused);
            tally.count("appends acknowledged after a failed flush", driven.acknowledged_after);
            tally.count("stores that ended", u64::from(driven.has_died));
            Load::note_rest(&mut ledger, &store.kill())
        };
        if let Err(failure) = live() {
            return Ok(Err(failure));
        }
        mounted.unmount()?;
        // The disk does not fail any more.
        disk.device().put(disk.device().image());
        let Ok(mounted) = disk.mount() else {
            tally.count("states that the file system does not survive", 1);
            return Ok(Ok(()));
        };
        let dump = Store::start(&self.lab.target, &mounted.data(), &self.log, &[])
            .and_then(|mut store| store.dump());
        mounted.unmount()?;
        let dump = match dump {
            Ok(dump) => dump,
            Err(failure) => return Ok(Err(failure)),
        };
        let mut found = Tally::default();
        ledger.check(&dump, false, replay, &mut found);
        if found.broken_in_all() > 0 && disk.check()?.is_err() {
            tally.count("states that the file system does not survive", 1);
            return Ok(Ok(()));
        }
        tally.add(found);
        Ok(Ok(()))
    }
}

impl Worker for Flushes<'_> {
    fn unit(&mut self, number: u64, tally: &mut Tally) -> io::Result<()> {
        let replay = format!("seed {}, unit {number}", self.lab.seed);
        match self.round(number, &replay, tally)? {
            Ok(()) => Ok(()),
            Err(Failure::NotStarted(error)) => Err(error),
            Err(failure) => {
                tally.found(Broken::Unusable, failure.to_string(), replay);
                Ok(())
            }
        }
    }
}
