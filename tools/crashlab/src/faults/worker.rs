//! Rounds: a store under load, one fault, and a start without it.

use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::backend::{Lab, Worker};
use crate::faults::drive::drive;
use crate::faults::fault::{Fault, Kind};
use crate::faults::passthrough::Passthrough;
use crate::random::Random;
use crate::target::{Failure, Ledger, Load, Store, Target};
use crate::verdict::{Broken, Tally};

/// Records of a life, at most; the first one has [`FIRST_TIMES`] as many.
const RECORDS_MAX: u64 = 200;
/// How much longer a store's first life is.
const FIRST_TIMES: u64 = 4;
/// Bytes of a journal file of Flowstone's.
const JOURNAL_FILE_BYTES: &str = "131072";
/// Operations that go well before the one that fails, at most.
const AFTER_MAX: u64 = 60;
/// Writes in a row that find a full disk, at most.
const FULL_TIMES_MAX: u64 = 12;

pub(super) struct FaultsWorker<'a> {
    lab: &'a Lab,
    log: PathBuf,
}

impl FaultsWorker<'_> {
    pub(super) fn new(lab: &Lab, job: usize) -> FaultsWorker<'_> {
        FaultsWorker { lab, log: lab.scratch.join(format!("faults-{job}.log")) }
    }
}

/// The fault of a round. Which folders hold what is known of Flowstone only.
fn choose(number: u64, is_own: bool, random: &mut Random) -> Fault {
    let kinds = [
        Kind::ShortWrite,
        Kind::FullDisk,
        Kind::FailedFlush,
        Kind::FailedFlush,
        Kind::UnreadablePage,
    ];
    let kind = usize::try_from(number % kinds.len() as u64).map_or(Kind::ShortWrite, |n| kinds[n]);
    let folder = match kind {
        Kind::UnreadablePage => Some("segments"),
        _ if random.below(4) > 0 => Some("journal"),
        _ => None,
    };
    let after = match kind {
        Kind::UnreadablePage => random.below(4),
        _ => random.below(AFTER_MAX),
    };
    let times = if kind == Kind::FullDisk { 1 + random.below(FULL_TIMES_MAX) } else { 1 };
    Fault { kind, folder: folder.filter(|_| is_own), after, times }
}

/// The target with, if it is Flowstone's, its disk named, and journal files so small that it seals.
fn on_disk(target: &Target, disk: &str) -> Target {
    let mut target = target.clone();
    if let Target::Own { arguments, .. } = &mut target {
        let named = ["--disk", disk, "--journal-file-bytes", JOURNAL_FILE_BYTES];
        arguments.extend(named.map(ToOwned::to_owned));
    }
    target
}

struct Round<'a> {
    target: Target,
    log: &'a Path,
    passthrough: &'a Passthrough,
    data: PathBuf,
    ledger: Ledger,
    fault: Fault,
    replay: String,
}

impl Round<'_> {
    fn run(&mut self, random: &mut Random, tally: &mut Tally) -> Result<(), Failure> {
        // Two lives without faults: what the first one wrote is sealed in the second.
        let mut store = self.start()?;
        drive(&mut store, &mut self.ledger, random, FIRST_TIMES * RECORDS_MAX, &|| false)?;
        Load::note_rest(&mut self.ledger, &store.kill())?;
        let mut store = self.start()?;
        let few = 1 + random.below(RECORDS_MAX);
        drive(&mut store, &mut self.ledger, random, few, &|| false)?;

        if self.fault.kind == Kind::UnreadablePage {
            // Sealed files are opened anew: nothing of them is in memory.
            Load::note_rest(&mut self.ledger, &store.kill())?;
            store = self.start()?;
        }

        self.passthrough.faults.set(Some(self.fault));
        let rest = if self.fault.kind == Kind::UnreadablePage {
            self.read(store, tally)?
        } else {
            self.write(store, random, tally)?
        };
        Load::note_rest(&mut self.ledger, &rest)?;
        let struck = self.passthrough.faults.struck();
        self.passthrough.faults.set(None);
        let name = format!("{:?}: operations that failed", self.fault.kind);
        tally.count(&name, struck);

        let mut store = self.start()?;
        let dump = store.dump()?;
        self.ledger.check(&dump, false, &self.replay, tally);
        Ok(())
    }

    fn start(&self) -> Result<Store, Failure> {
        Store::start(&self.target, &self.data, self.log, &[])
    }

    fn write(
        &mut self,
        mut store: Store,
        random: &mut Random,
        tally: &mut Tally,
    ) -> Result<Vec<String>, Failure> {
        let faults = &self.passthrough.faults;
        let has_struck = || faults.struck() > 0;
        let driven = drive(&mut store, &mut self.ledger, random, RECORDS_MAX, &has_struck)?;
        tally.count("appends refused", driven.refused);
        tally.count("stores that ended", u64::from(driven.has_died));
        // Nobody knows what the journal's next flush would prove: it takes nothing more. A file that
        // was being made is not yet of the journal: it is removed, and made again.
        let is_journal = self.fault.folder == Some("journal") && !faults.was_new();
        tally.count("files being made whose flush failed", u64::from(faults.was_new()));
        if self.fault.kind == Kind::FailedFlush && is_journal && driven.acknowledged_after > 0 {
            let what =
                format!("{} records acknowledged after a failed flush", driven.acknowledged_after);
            tally.found(Broken::Undetected, what, &self.replay);
        }
        Ok(store.kill())
    }

    /// Reads everything while a page cannot be read: it is said, and the rest is served.
    fn read(&mut self, mut store: Store, tally: &mut Tally) -> Result<Vec<String>, Failure> {
        let dump = match store.dump() {
            Ok(dump) => dump,
            Err(Failure::Ended(_)) if !self.target.is_own() => return Ok(store.kill()),
            Err(failure) => return Err(failure),
        };
        let is_damaged = self.passthrough.faults.struck() > 0;
        let mut found = Tally::default();
        // A copy: what cannot be read now is not gone.
        self.ledger.clone().check(&dump, is_damaged, &self.replay, &mut found);
        found.states = 0;
        found.acknowledged = 0;
        found.count("damages told while a page was unreadable", dump.damages.len() as u64);
        tally.add(found);
        Ok(store.kill())
    }
}

impl Worker for FaultsWorker<'_> {
    fn unit(&mut self, number: u64, tally: &mut Tally) -> io::Result<()> {
        let mut random = self.lab.random(number);
        let folder = TempDir::new_in(&self.lab.scratch)?;
        let passthrough = Passthrough::mount(folder.path())?;
        let fault = choose(number, self.lab.target.is_own(), &mut random);
        let disk = if random.below(3) == 0 { "portable" } else { "uring" };
        let replay = format!("seed {}, unit {number}, {fault:?}, {disk}", self.lab.seed);
        let mut round = Round {
            target: on_disk(&self.lab.target, disk),
            log: &self.log,
            passthrough: &passthrough,
            data: passthrough.data()?,
            ledger: Ledger::new(random.bits()),
            fault,
            replay: replay.clone(),
        };
        match round.run(&mut random, tally) {
            Ok(()) => {}
            Err(Failure::NotStarted(error)) => return Err(error),
            Err(failure) => tally.found(Broken::Unusable, failure.to_string(), replay),
        }
        Ok(())
    }
}
