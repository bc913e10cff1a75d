//! The jumps of one store after the other.

use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::backend::{Lab, Worker};
use crate::clock::fake::FakeClock;
use crate::random::Random;
use crate::target::{Ended, Failure, Ledger, Load, Store, Target};
use crate::verdict::{Broken, Tally};

/// Jumps that one store goes through: a unit. Each may come with one start, and with each start
/// Flowstone's retention may go on by an hour: in all that is less than [`RETENTION_MS`].
const JUMPS_A_UNIT: u64 = 12;
/// How long Flowstone keeps a record here, in milliseconds: a day.
const RETENTION_MS: u64 = 24 * 60 * 60 * 1000;
/// Records that are acknowledged between two jumps, at most.
const RECORDS_MAX: u64 = 200;
/// One time in so many it is none: logs get their first record under another clock.
const NONE_EVERY: u64 = 3;

pub(super) struct ClockWorker<'a> {
    lab: &'a Lab,
    target: Target,
    log: PathBuf,
}

/// A store under fake clocks.
struct Life<'a> {
    worker: &'a ClockWorker<'a>,
    data: &'a Path,
    clock: FakeClock,
    random: Random,
    ledger: Ledger,
}

impl ClockWorker<'_> {
    pub(super) fn new(lab: &Lab, job: usize) -> io::Result<ClockWorker<'_>> {
        let mut target = lab.target.clone();
        if let Target::Own { arguments, .. } = &mut target {
            arguments.push(format!("--retention-ms={RETENTION_MS}"));
        }
        Ok(ClockWorker { lab, target, log: lab.scratch.join(format!("clock-{job}.log")) })
    }
}

impl Life<'_> {
    fn start(&mut self) -> Result<Store, Failure> {
        let paths = (self.data, &*self.worker.log);
        self.clock.start(&self.worker.target, paths, &mut self.random)
    }

    fn wanted(&mut self) -> u64 {
        let is_none = self.random.below(NONE_EVERY) == 0;
        self.random.below(if is_none { 1 } else { RECORDS_MAX })
    }

    fn jump(&mut self, tally: &mut Tally) -> Result<(), Failure> {
        let before = self.clock.ahead_seconds();
        self.clock.jump(&mut self.random).map_err(Failure::NotStarted)?;
        let name =
            if self.clock.ahead_seconds() >= before { "jumps forward" } else { "jumps back" };
        tally.count(name, 1);
        Ok(())
    }

    /// One jump: under the store, or between two lives of it.
    fn pass(
        &mut self,
        mut store: Store,
        (replay, tally): (&str, &mut Tally),
    ) -> Result<Store, Failure> {
        let mut load = Load::new(&mut self.random);
        let wanted = self.wanted();
        self.work(&mut load, (&mut store, wanted), (replay, &mut *tally))?;
        self.jump(tally)?;
        let after = self.wanted();
        self.work(&mut load, (&mut store, after), (replay, &mut *tally))?;
        let end = self.random.below(3);
        if end > 0 {
            load.settle(&mut store, &mut self.ledger)?;
        }
        match end {
            0 => {
                Load::note_rest(&mut self.ledger, &store.kill())?;
                tally.count("kills", 1);
            }
            1 => {
                store.stop()?;
                tally.count("stops", 1);
            }
            _ => {
                let dump = store.dump()?;
                self.ledger.check(&dump, false, replay, tally);
                return Ok(store);
            }
        }
        if self.random.below(2) == 0 {
            self.jump(tally)?;
        }
        let mut store = self.start()?;
        let dump = store.dump()?;
        self.ledger.check(&dump, false, replay, tally);
        Ok(store)
    }

    fn work(
        &mut self,
        load: &mut Load,
        (store, wanted): (&mut Store, u64),
        (replay, tally): (&str, &mut Tally),
    ) -> Result<(), Failure> {
        if wanted == 0 {
            return Ok(());
        }
        match load.work(store, &mut self.ledger, &mut self.random, wanted)? {
            Ended::Reached => {}
            Ended::Refused(why) | Ended::Died(why) => {
                tally.found(Broken::Unusable, format!("appends end: {why}"), replay);
            }
        }
        Ok(())
    }

    fn live(&mut self, number: u64, tally: &mut Tally) -> io::Result<()> {
        let mut running: Option<Store> = None;
        for jump in 0..JUMPS_A_UNIT {
            let replay = format!("seed {}, unit {number}, jump {jump}", self.worker.lab.seed);
            let store = running.take().map_or_else(|| self.start(), Ok);
            match store.and_then(|store| self.pass(store, (&replay, tally))) {
                Ok(store) => running = Some(store),
                Err(Failure::NotStarted(error)) => return Err(error),
                Err(failure) => tally.found(Broken::Unusable, failure.to_string(), replay),
            }
            if tally.broken_in_all() > 0 {
                break;
            }
        }
        Ok(())
    }
}

impl Worker for ClockWorker<'_> {
    fn unit(&mut self, number: u64, tally: &mut Tally) -> io::Result<()> {
        let mut random = self.lab.random(number);
        let data = TempDir::new_in(&self.lab.scratch)?;
        let mut clock = FakeClock::new(&self.lab.scratch)?;
        if random.below(2) == 0 {
            // A store that is made while the clock is wrong.
            clock.jump(&mut random)?;
        }
        let ledger = Ledger::new(random.bits());
        let mut life = Life { worker: self, data: data.path(), clock, random, ledger };
        life.live(number, tally)
    }
}
