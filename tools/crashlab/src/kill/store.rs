//! Any store, killed and started again and again on one directory.

use std::io;
use std::path::PathBuf;

use tempfile::TempDir;

use crate::backend::{Lab, Worker};
use crate::random::Random;
use crate::target::{Ended, Failure, Ledger, Load, Store};
use crate::verdict::{Broken, Tally};

/// Kills of one directory's store: a unit.
const KILLS_A_UNIT: u64 = 10;
/// Records that are acknowledged before a kill, at most.
const RECORDS_MAX: u64 = 2000;

pub(super) struct StoreWorker<'a> {
    lab: &'a Lab,
    log: PathBuf,
}

impl StoreWorker<'_> {
    pub(super) fn new(lab: &Lab, job: usize) -> io::Result<StoreWorker<'_>> {
        Ok(StoreWorker { lab, log: lab.scratch.join(format!("kill-{job}.log")) })
    }

    fn life(
        &self,
        data: &TempDir,
        ledger: &mut Ledger,
        random: &mut Random,
        (replay, tally): (&str, &mut Tally),
    ) -> Result<(), Failure> {
        let mut store = Store::start(&self.lab.target, data.path(), &self.log, &[])?;
        let mut load = Load::new(random);
        let wanted = 1 + random.below(RECORDS_MAX);
        match load.work(&mut store, ledger, random, wanted)? {
            Ended::Reached => {}
            Ended::Refused(why) | Ended::Died(why) => {
                tally.found(Broken::Unusable, format!("appends end: {why}"), replay);
            }
        }
        tally.count("kills", 1);
        Load::note_rest(ledger, &store.kill())?;
        let mut store = Store::start(&self.lab.target, data.path(), &self.log, &[])?;
        let dump = store.dump()?;
        ledger.check(&dump, false, replay, tally);
        Ok(())
    }
}

impl Worker for StoreWorker<'_> {
    fn unit(&mut self, number: u64, tally: &mut Tally) -> io::Result<()> {
        let mut random = self.lab.random(number);
        let mut ledger = Ledger::new(random.bits());
        let data = TempDir::new_in(&self.lab.scratch)?;
        for kill in 0..KILLS_A_UNIT {
            let replay = format!("seed {}, unit {number}, kill {kill}", self.lab.seed);
            match self.life(&data, &mut ledger, &mut random, (&replay, tally)) {
                Ok(()) => {}
                Err(Failure::NotStarted(error)) => return Err(error),
                Err(failure) => {
                    tally.found(Broken::Unusable, failure.to_string(), replay);
                    break;
                }
            }
            if tally.broken_in_all() > 0 {
                break;
            }
        }
        Ok(())
    }
}
