//! The tries on one store after the other.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::backend::{Lab, Worker};
use crate::random::Random;
use crate::server::{Server, Setup, find_binary};
use crate::target::{Ended, Failure, Ledger, Load, Store};
use crate::verdict::{Broken, Tally};

/// Second processes that one store meets: a unit.
const TRIES_A_UNIT: u64 = 5;
/// Records that are acknowledged around a try, at most.
const RECORDS_MAX: u64 = 100;
/// What the second one says, among other things.
const REASON: &str = "another process uses this data directory";

pub(super) struct SecondWorker<'a> {
    lab: &'a Lab,
    log: PathBuf,
    second_log: PathBuf,
    server: Option<PathBuf>,
}

impl SecondWorker<'_> {
    pub(super) fn new(lab: &Lab, job: usize) -> SecondWorker<'_> {
        SecondWorker {
            lab,
            log: lab.scratch.join(format!("first-{job}.log")),
            second_log: lab.scratch.join(format!("second-{job}.log")),
            server: find_binary().ok(),
        }
    }

    /// Starts a second process. The error says what is wrong with how that went.
    fn second(&self, data: &Path, number: u64) -> Result<&'static str, String> {
        // What is not there need not be removed.
        let _ = fs::remove_file(&self.second_log);
        let (what, is_in) = match &self.server {
            Some(binary) if number.is_multiple_of(2) => {
                let setup = Setup {
                    binary: binary.clone(),
                    data: data.to_owned(),
                    log: self.second_log.clone(),
                    journal_file_bytes: 1 << 20,
                };
                ("servers refused", Server::start(&setup).is_ok())
            }
            _ => match Store::start(&self.lab.target, data, &self.second_log, &[]) {
                Ok(_) => ("", true),
                Err(Failure::Ended(_)) => ("engines refused", false),
                Err(failure) => return Err(format!("a second process: {failure}")),
            },
        };
        if is_in {
            return Err("a second process is let in".to_owned());
        }
        let said = fs::read_to_string(&self.second_log).unwrap_or_default();
        if said.contains(REASON) {
            Ok(what)
        } else {
            Err(format!("a second process ends without the reason: {said}"))
        }
    }

    fn work(
        &self,
        data: &Path,
        number: u64,
        random: &mut Random,
        tally: &mut Tally,
    ) -> Result<(), Failure> {
        let mut ledger = Ledger::new(random.bits());
        let mut store = Store::start(&self.lab.target, data, &self.log, &[])?;
        for attempt in 0..TRIES_A_UNIT {
            let replay = format!("seed {}, unit {number}, try {attempt}", self.lab.seed);
            let mut load = Load::new(random);
            let before = 1 + random.below(RECORDS_MAX);
            let mut ends = vec![load.work(&mut store, &mut ledger, random, before)?];
            match self.second(data, attempt) {
                Ok(refused) => tally.count(refused, 1),
                Err(wrong) => tally.found(Broken::Unusable, wrong, &*replay),
            }
            let after = 1 + random.below(RECORDS_MAX);
            ends.push(load.work(&mut store, &mut ledger, random, after)?);
            ends.push(load.settle(&mut store, &mut ledger)?);
            for end in ends {
                if let Ended::Refused(why) | Ended::Died(why) = end {
                    tally.found(Broken::Unusable, format!("the first one: {why}"), &*replay);
                }
            }
            let dump = store.dump()?;
            ledger.check(&dump, false, &replay, tally);
            if tally.broken_in_all() > 0 {
                return Ok(());
            }
        }
        store.stop()?;
        let mut store = Store::start(&self.lab.target, data, &self.log, &[])?;
        let dump = store.dump()?;
        let mut at_the_end = Tally::default();
        let replay = format!("seed {}, unit {number}, at its end", self.lab.seed);
        ledger.check(&dump, false, &replay, &mut at_the_end);
        // The states are the tries.
        at_the_end.states = 0;
        tally.add(at_the_end);
        Ok(())
    }
}

impl Worker for SecondWorker<'_> {
    fn unit(&mut self, number: u64, tally: &mut Tally) -> io::Result<()> {
        let mut random = self.lab.random(number);
        let data = TempDir::new_in(&self.lab.scratch)?;
        match self.work(data.path(), number, &mut random, tally) {
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
