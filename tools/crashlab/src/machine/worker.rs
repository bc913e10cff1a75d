//! Boot, load, cut, boot again, check.

use std::io;
use std::path::PathBuf;

use tempfile::TempDir;

use crate::backend::{Lab, Worker};
use crate::machine::guest;
use crate::random::Random;
use crate::target::{Ended, Failure, Ledger, Load, Store, Target};
use crate::verdict::{Broken, Tally};

/// Cuts of one disk: a unit.
const CUTS_A_UNIT: u64 = 5;
/// Records that are acknowledged before a cut, at most.
const RECORDS_MAX: u64 = 1500;
const MACHINE: &str = include_str!("machine.sh");

pub(super) struct MachineWorker<'a> {
    lab: &'a Lab,
    folder: TempDir,
    accelerator: &'a str,
    target: Target,
    log: PathBuf,
}

impl MachineWorker<'_> {
    pub(super) fn new<'a>(
        lab: &'a Lab,
        folder: TempDir,
        accelerator: &'a str,
    ) -> MachineWorker<'a> {
        let arguments = vec!["-c".to_owned(), MACHINE.to_owned()];
        let log = lab.scratch.join("machine.log");
        let target = Target::Command { program: "sh".into(), arguments };
        MachineWorker { lab, folder, accelerator, target, log }
    }

    fn boot(&self) -> Result<Store, Failure> {
        let environment = [("FLOWSTONE_LAB_ACCELERATOR", self.accelerator)];
        Store::start(&self.target, self.folder.path(), &self.log, &environment)
    }

    /// Works until a random moment, and cuts the power.
    fn life(
        &self,
        mut store: Store,
        ledger: &mut Ledger,
        random: &mut Random,
        (replay, tally): (&str, &mut Tally),
    ) -> Result<(), Failure> {
        let mut load = Load::new(random);
        let wanted = 1 + random.below(RECORDS_MAX);
        match load.work(&mut store, ledger, random, wanted)? {
            Ended::Reached => {}
            Ended::Refused(why) | Ended::Died(why) => {
                tally.found(Broken::Unusable, format!("appends end: {why}"), replay);
            }
        }
        tally.count("cuts", 1);
        Load::note_rest(ledger, &store.kill())
    }

    fn lives(&self, number: u64, tally: &mut Tally) -> Result<(), Failure> {
        let mut random = self.lab.random(number);
        let mut ledger = Ledger::new(random.bits());
        let mut store = self.boot()?;
        for cut in 0..CUTS_A_UNIT {
            let replay = format!("seed {}, unit {number}, cut {cut}", self.lab.seed);
            self.life(store, &mut ledger, &mut random, (&replay, tally))?;
            store = self.boot()?;
            let dump = store.dump()?;
            ledger.check(&dump, false, &replay, tally);
        }
        Ok(())
    }
}

impl Worker for MachineWorker<'_> {
    fn unit(&mut self, number: u64, tally: &mut Tally) -> io::Result<()> {
        guest::make_disk(self.folder.path())?;
        match self.lives(number, tally) {
            Ok(()) => Ok(()),
            Err(Failure::NotStarted(error)) => Err(error),
            Err(failure) => {
                let replay = format!("seed {}, unit {number}", self.lab.seed);
                tally.found(Broken::Unusable, failure.to_string(), replay);
                Ok(())
            }
        }
    }
}
