//! The fills of one thread's volume.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FallocateFlags, fallocate};

use crate::backend::{Lab, Worker};
use crate::random::Random;
use crate::stopwatch::Stopwatch;
use crate::target::{Ended, Failure, Ledger, Load, Store};
use crate::verdict::{Broken, Tally};
use crate::volume::{Kind, Volume};

/// Bytes of a volume.
const VOLUME_BYTES: u64 = 128 << 20;
/// Bytes that are left of it when a fill begins, at most.
const LEFT_BYTES_MAX: u64 = 4 << 20;
/// Fills that one store goes through: a unit.
const FILLS_A_UNIT: u64 = 4;
/// A store that takes so many records into [`LEFT_BYTES_MAX`] writes them elsewhere, or nowhere.
const RECORDS_MAX: u64 = 150_000;
/// Appends that are tried on a full disk, after the first that was refused, at most.
const MORE_MAX: u64 = 200;
/// Records that must be taken once there is room again.
const AFTER: u64 = 200;
/// How long a store may take to notice that there is room.
const NOTICE_MAX: Duration = Duration::from_secs(30);
/// Between two tries.
const TRY_AGAIN: Duration = Duration::from_millis(10);

pub(super) struct FillWorker<'a> {
    lab: &'a Lab,
    log: PathBuf,
    volume: Volume,
}

/// One store's life.
struct Life<'a> {
    data: &'a Path,
    ledger: Ledger,
    random: Random,
    load: Load,
    store: Option<Store>,
}

impl FillWorker<'_> {
    pub(super) fn new(lab: &Lab, job: usize) -> io::Result<FillWorker<'_>> {
        let log = lab.scratch.join(format!("fill-{job}.log"));
        let volume = Volume::new(Kind::Ext4, VOLUME_BYTES, &lab.scratch)?;
        Ok(FillWorker { lab, log, volume })
    }

    fn ballast(&self) -> PathBuf {
        self.volume.path().join("ballast")
    }

    /// Leaves `left` bytes of the volume.
    fn weigh_down(&self, left: u64) -> io::Result<()> {
        let ballast = File::create(self.ballast())?;
        // What was removed just now counts as free only when the file system's journal has it.
        rustix::fs::syncfs(&ballast)?;
        let bytes = self.volume.free_bytes()?.saturating_sub(left);
        if bytes > 0 {
            fallocate(&ballast, FallocateFlags::empty(), 0, bytes)?;
        }
        ballast.sync_all()
    }

    fn start(&self, life: &mut Life<'_>) -> Result<(), Failure> {
        life.load = Load::new(&mut life.random);
        life.store = Some(Store::start(&self.lab.target, life.data, &self.log, &[])?);
        Ok(())
    }

    fn kill(life: &mut Life<'_>) -> Result<(), Failure> {
        let rest = life.store.take().map(Store::kill).unwrap_or_default();
        Load::note_rest(&mut life.ledger, &rest)
    }

    /// Appends until `wanted` are acknowledged, or one is refused.
    fn work(life: &mut Life<'_>, wanted: u64) -> Result<Ended, Failure> {
        let Life { ledger, random, load, store, .. } = life;
        match store {
            Some(store) => load.work(store, ledger, random, wanted),
            None => Ok(Ended::Died("is not running".to_owned())),
        }
    }

    /// Looks at everything that the store has, after a kill and a start.
    fn look(
        &self,
        life: &mut Life<'_>,
        (replay, tally): (&str, &mut Tally),
    ) -> Result<(), Failure> {
        Self::kill(life)?;
        self.start(life)?;
        if let Some(store) = &mut life.store {
            let dump = store.dump()?;
            life.ledger.check(&dump, false, replay, tally);
        }
        Ok(())
    }

    fn fill(
        &self,
        life: &mut Life<'_>,
        (replay, tally): (&str, &mut Tally),
    ) -> Result<(), Failure> {
        let left = life.random.below(LEFT_BYTES_MAX);
        self.weigh_down(left).map_err(Failure::NotStarted)?;
        match Self::work(life, RECORDS_MAX)? {
            Ended::Reached => {
                let what = "a full disk never refuses an append";
                tally.found(Broken::Unusable, what, replay);
                return Ok(());
            }
            Ended::Refused(_) => {
                tally.count("fills that were refused", 1);
                self.go_on_while_full(life)?;
            }
            Ended::Died(_) => tally.count("stores that ended on a full disk", 1),
        }
        if life.random.below(2) == 0 {
            let before = tally.states;
            match self.look(life, (replay, tally)) {
                Err(Failure::Ended(_)) if !self.lab.target.is_own() => {
                    tally.count("stores that do not start on a full disk", 1);
                    life.store = None;
                }
                looked => looked?,
            }
            // The states are the fills.
            tally.states = before;
            tally.count("kills while full", 1);
        }
        fs::remove_file(self.ballast()).map_err(Failure::NotStarted)?;
        self.go_on(life, (replay, tally))?;
        self.look(life, (replay, tally))
    }

    /// Some appends more: whatever is acknowledged must be there.
    fn go_on_while_full(&self, life: &mut Life<'_>) -> Result<(), Failure> {
        let appends = life.random.below(MORE_MAX);
        for _ in 0..appends {
            match Self::work(life, 1)? {
                Ended::Reached | Ended::Refused(_) => {}
                Ended::Died(_) => break,
            }
        }
        Ok(())
    }

    /// There is room again: appends must be taken.
    fn go_on(
        &self,
        life: &mut Life<'_>,
        (replay, tally): (&str, &mut Tally),
    ) -> Result<(), Failure> {
        let time = Stopwatch::start();
        let goal = life.ledger.acknowledged() + AFTER;
        loop {
            let missing = goal.saturating_sub(life.ledger.acknowledged());
            match Self::work(life, missing)? {
                Ended::Reached => return Ok(()),
                Ended::Died(why) if self.lab.target.is_own() => {
                    let what = format!("it ended, on a full disk or after: {why}");
                    tally.found(Broken::Unusable, what, replay);
                    return Ok(());
                }
                Ended::Refused(_) if time.elapsed() < NOTICE_MAX => {
                    std::thread::park_timeout(TRY_AGAIN);
                }
                Ended::Refused(why) if self.lab.target.is_own() => {
                    let what = format!("there is room, and it goes on refusing: {why}");
                    tally.found(Broken::Unusable, what, replay);
                    return Ok(());
                }
                Ended::Died(_) | Ended::Refused(_) => {
                    if time.elapsed() >= 2 * NOTICE_MAX {
                        let what = "there is room, and it takes nothing, also when started again";
                        tally.found(Broken::Unusable, what, replay);
                        return Ok(());
                    }
                    Self::kill(life)?;
                    self.start(life)?;
                    tally.count("stores started again after a full disk", 1);
                }
            }
        }
    }

    fn life(&self, data: &Path, number: u64, tally: &mut Tally) -> io::Result<()> {
        let mut random = self.lab.random(number);
        let ledger = Ledger::new(random.bits());
        let load = Load::new(&mut random);
        let mut life = Life { data, ledger, random, load, store: None };
        for fill in 0..FILLS_A_UNIT {
            let replay = format!("seed {}, unit {number}, fill {fill}", self.lab.seed);
            let started = if life.store.is_none() { self.start(&mut life) } else { Ok(()) };
            match started.and_then(|()| self.fill(&mut life, (&replay, tally))) {
                Ok(()) => {}
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

impl Worker for FillWorker<'_> {
    fn unit(&mut self, number: u64, tally: &mut Tally) -> io::Result<()> {
        let data = self.volume.make_folder(&format!("unit-{number}"))?;
        let lived = self.life(&data, number, tally);
        // It is there only when a fill was broken off.
        let _ = fs::remove_file(self.ballast());
        lived?;
        fs::remove_dir_all(&data)
    }
}
