//! The shutdowns of one thread's volume: one store after the other, each through many.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::backend::{Lab, Worker};
use crate::random::Random;
use crate::target::{Ended, Failure, Ledger, Load, Store};
use crate::verdict::{Broken, Tally};
use crate::volume::{Kind, Volume};

/// Shutdowns that one store goes through: a unit.
const SHUTDOWNS_A_UNIT: u64 = 20;
/// Records that are acknowledged before a shutdown, at most; one time in [`LONG_EVERY`] it is up to
/// [`LONG_RECORDS_MAX`], for what happens only now and then: files that are full.
const RECORDS_MAX: u64 = 120;
/// See [`RECORDS_MAX`].
const LONG_EVERY: u64 = 8;
/// See [`RECORDS_MAX`].
const LONG_RECORDS_MAX: u64 = 4000;
/// One store in so many is asked to go on when its file system is gone: no ack is true then.
const GO_ON_EVERY: u64 = 2;
/// Acknowledgements after which a store whose file system is gone has been asked enough.
const UNTRUE_MAX: u64 = 20;
/// Bytes of a volume: a unit's records several times over.
const VOLUME_BYTES: u64 = 256 << 20;

pub(super) struct ShutdownWorker<'a> {
    lab: &'a Lab,
    log: PathBuf,
    volume: Volume,
}

impl ShutdownWorker<'_> {
    pub(super) fn new(lab: &Lab, job: usize, kind: Kind) -> io::Result<ShutdownWorker<'_>> {
        let log = lab.scratch.join(format!("shutdown-{job}.log"));
        let volume = Volume::new(kind, VOLUME_BYTES, &lab.scratch)?;
        Ok(ShutdownWorker { lab, log, volume })
    }

    fn start(&self, data: &Path) -> Result<Store, Failure> {
        Store::start(&self.lab.target, data, &self.log, &[])
    }

    /// Load, shutdown, recovery, verdict. Returns the store, which then goes on.
    fn shut_down(
        &mut self,
        mut store: Store,
        (data, ledger): (&Path, &mut Ledger),
        random: &mut Random,
        (replay, tally): (&str, &mut Tally),
    ) -> Result<Store, Failure> {
        let mut load = Load::new(random);
        let is_long = random.below(LONG_EVERY) == 0;
        let wanted = 1 + random.below(if is_long { LONG_RECORDS_MAX } else { RECORDS_MAX });
        match load.work(&mut store, ledger, random, wanted)? {
            Ended::Reached => {}
            Ended::Refused(why) | Ended::Died(why) => {
                tally.found(Broken::Unusable, format!("appends end: {why}"), replay);
            }
        }
        load.catch_up(&mut store, ledger)?;
        self.volume.shut_down().map_err(Failure::NotStarted)?;
        // What was on its way is in doubt: see the module.
        let mut rest_counts = false;
        if random.below(GO_ON_EVERY) == 0 {
            load.settle_in_doubt(&mut store)?;
            rest_counts = true;
            // It may refuse, or end; what it acknowledges is looked for.
            match load.work(&mut store, ledger, random, UNTRUE_MAX)? {
                Ended::Reached => tally.count("stores that acknowledged after a shutdown", 1),
                Ended::Refused(_) => tally.count("stores that refused after a shutdown", 1),
                Ended::Died(_) => tally.count("stores that ended after a shutdown", 1),
            }
        }
        let rest = store.kill();
        if rest_counts {
            Load::note_rest(ledger, &rest)?;
        }
        self.volume.ready().map_err(Failure::NotStarted)?;
        let mut store = self.start(data)?;
        let dump = store.dump()?;
        ledger.check(&dump, false, replay, tally);
        Ok(store)
    }

    fn life(
        &mut self,
        (data, number): (&Path, u64),
        ledger: &mut Ledger,
        random: &mut Random,
        tally: &mut Tally,
    ) -> io::Result<()> {
        let mut running = None;
        for shutdown in 0..SHUTDOWNS_A_UNIT {
            let replay = format!("seed {}, unit {number}, shutdown {shutdown}", self.lab.seed);
            let store = running.take().map_or_else(|| self.start(data), Ok);
            let outcome = store
                .and_then(|store| self.shut_down(store, (data, ledger), random, (&replay, tally)));
            match outcome {
                Ok(store) => running = Some(store),
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

impl Worker for ShutdownWorker<'_> {
    fn unit(&mut self, number: u64, tally: &mut Tally) -> io::Result<()> {
        self.volume.ready()?;
        let data = self.volume.make_folder(&format!("unit-{number}"))?;
        let mut random = self.lab.random(number);
        let mut ledger = Ledger::new(random.bits());
        self.life((&data, number), &mut ledger, &mut random, tally)?;
        self.volume.ready()?;
        fs::remove_dir_all(&data)
    }
}
