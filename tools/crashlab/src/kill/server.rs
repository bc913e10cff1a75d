//! Flowstone's server, killed under several concurrent clients: rounds as units.

use std::io;
use std::path::PathBuf;

use tempfile::TempDir;

use crate::backend::{Lab, Worker};
use crate::kill::rounds::{Plan, run};
use crate::server::{Setup, find_binary};
use crate::verdict::Tally;

/// Rounds on one directory: a unit. One in seven is an orderly stop.
const ROUNDS_A_UNIT: u64 = 21;
const WRITERS: u32 = 6;
/// Records acknowledged in a round, at most.
const ROUND_RECORDS_MAX: u64 = 2500;

pub(super) struct ServerWorker<'a> {
    lab: &'a Lab,
    binary: PathBuf,
    log: PathBuf,
}

impl ServerWorker<'_> {
    pub(super) fn new(lab: &Lab, job: usize) -> io::Result<ServerWorker<'_>> {
        let log = lab.scratch.join(format!("server-{job}.log"));
        Ok(ServerWorker { lab, binary: find_binary()?, log })
    }
}

impl Worker for ServerWorker<'_> {
    fn unit(&mut self, number: u64, tally: &mut Tally) -> io::Result<()> {
        let folder = TempDir::new_in(&self.lab.scratch)?;
        let setup = Setup {
            binary: self.binary.clone(),
            data: folder.path().join("data"),
            log: self.log.clone(),
            journal_file_bytes: 1 << 20,
        };
        let seed = self.lab.random(number).bits();
        let plan = Plan {
            rounds: ROUNDS_A_UNIT,
            writers: WRITERS,
            round_records_max: ROUND_RECORDS_MAX,
            seed,
            plant: None,
        };
        let outcome = run(&plan, &setup, &mut io::sink());
        let outcome = outcome.map_err(|failure| io::Error::other(failure.to_string()))?;
        tally.states += outcome.kills;
        tally.acknowledged += outcome.acknowledged as u64;
        tally.count("orderly stops", outcome.stops);
        tally.count("reshards", outcome.changes);
        tally.count("deliveries of a queue", outcome.delivered as u64);
        for (broken, what) in outcome.failures {
            tally.found(broken, what, format!("seed {}, unit {number}", self.lab.seed));
        }
        Ok(())
    }
}
