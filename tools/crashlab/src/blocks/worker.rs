//! Recordings, and states of them.

use std::io;
use std::path::PathBuf;

use tempfile::TempDir;

use crate::backend::{Lab, Worker};
use crate::block::{Disk, FileSystem, Image};
use crate::blocks::record::Recording;
use crate::blocks::state::{Replay, choose};
use crate::target::{Dump, Failure, Ledger, Store};
use crate::verdict::{Broken, Tally};

/// States of one recording: a unit.
const STATES_A_UNIT: u64 = 200;
/// States of one recording that a file system may refuse, before that is the lab's fault.
const REFUSED_MAX: u64 = STATES_A_UNIT / 4;
/// Disks with findings on them that a worker keeps.
const DISKS_KEPT_MAX: u64 = 3;

pub(super) struct BlocksWorker<'a> {
    lab: &'a Lab,
    filesystem: FileSystem,
    /// With an empty file system on it.
    empty: Image,
    disk: Disk,
    // Dropped after the disk that is mounted in it.
    _folder: TempDir,
    log: PathBuf,
    states_a_unit: u64,
    disks_kept: u64,
    job: usize,
}

impl BlocksWorker<'_> {
    pub(super) fn new(
        lab: &Lab,
        job: usize,
        filesystem: FileSystem,
        states: u64,
    ) -> io::Result<BlocksWorker<'_>> {
        let folder = TempDir::new_in(&lab.scratch)?;
        let disk = Disk::new(folder.path(), filesystem)?;
        let empty = disk.make()?;
        let log = lab.scratch.join(format!("blocks-{}-{job}.log", filesystem.name()));
        Ok(BlocksWorker {
            lab,
            filesystem,
            empty,
            disk,
            _folder: folder,
            log,
            states_a_unit: states.clamp(1, STATES_A_UNIT),
            disks_kept: 0,
            job,
        })
    }

    /// Tries one state. False when the file system itself cannot be mounted from it.
    fn state(
        &mut self,
        image: &Image,
        mut ledger: Ledger,
        (replay, tally): (&str, &mut Tally),
    ) -> io::Result<bool> {
        self.disk.device().put(image.clone());
        let Ok(mounted) = self.disk.mount() else { return Ok(false) };
        let dump = Store::start(&self.lab.target, &mounted.data(), &self.log, &[])
            .and_then(|mut store| store.dump());
        mounted.unmount()?;
        let mut found = Tally::default();
        verdict(dump, &mut ledger, (replay, &mut found))?;
        if found.broken_in_all() > 0 {
            if self.disk.check()?.is_err() {
                return Ok(false);
            }
            self.keep(image, &mut found)?;
        }
        tally.add(found);
        Ok(true)
    }

    fn keep(&mut self, image: &Image, found: &mut Tally) -> io::Result<()> {
        if self.disks_kept == DISKS_KEPT_MAX {
            return Ok(());
        }
        let name = format!("{}-{}-{}.img", self.filesystem.name(), self.job, self.disks_kept);
        self.disks_kept += 1;
        image.keep(&self.lab.scratch.join(&name))?;
        for finding in &mut found.findings {
            finding.replay = format!("{}, disk {name}", finding.replay);
        }
        Ok(())
    }
}

/// What is wrong with what a store made of a state in which nothing is damaged.
fn verdict(
    dump: Result<Dump, Failure>,
    ledger: &mut Ledger,
    (replay, tally): (&str, &mut Tally),
) -> io::Result<()> {
    let (broken, what) = match dump {
        Ok(dump) => {
            ledger.check(&dump, false, replay, tally);
            return Ok(());
        }
        Err(Failure::NotStarted(error)) => return Err(error),
        // It calls damaged what a power cut may leave.
        Err(Failure::Ended(status)) => (Broken::FalseAlarm, format!("it refuses: {status}")),
        Err(failure) => (Broken::Unusable, failure.to_string()),
    };
    tally.state(ledger.acknowledged());
    tally.found(broken, what, replay);
    Ok(())
}

impl Worker for BlocksWorker<'_> {
    fn unit(&mut self, number: u64, tally: &mut Tally) -> io::Result<()> {
        let mut random = self.lab.random(number);
        let unit = format!("seed {}, unit {number}", self.lab.seed);
        let recording = Recording::make(
            (&self.lab.target, &self.log),
            (&self.disk, &self.empty),
            &mut random,
            (&unit, tally),
        )?;
        let Some(recording) = recording else { return Ok(()) };
        tally.count("recordings", 1);
        tally.count("writes and flushes recorded", recording.entries.len() as u64);
        tally.count("records acknowledged while recording", recording.acknowledged());
        let mut replay = Replay::new(&recording.before, &recording.entries);
        let mut refused = 0;
        for cut in choose(recording.entries.len(), self.states_a_unit, &mut random) {
            let (image, flushes) = replay.state(cut, self.filesystem.atom_bytes());
            let text = format!("{unit}, {cut:?} of {}", recording.entries.len());
            let ledger = recording.ledger_after(flushes);
            if !self.state(&image, ledger, (&text, tally))? {
                tally.count("states that the file system does not survive", 1);
                refused += 1;
            }
            if refused > REFUSED_MAX {
                let name = self.filesystem.name();
                return Err(io::Error::other(format!("{name} can hardly ever be mounted")));
            }
            if tally.broken_in_all() > 0 {
                break;
            }
        }
        Ok(())
    }
}
