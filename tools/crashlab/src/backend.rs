//! What a back end is: one way in which a machine fails under a store.
//!
//! A back end does its work in units, numbered from 0. A unit follows from the lab's seed and its
//! number, as far as the machine lets it, so a run can be spread over threads, stopped, and gone on
//! with, and a finding can be tried again alone.

use std::io;
use std::path::PathBuf;

use crate::random::Random;
use crate::target::Target;
use crate::verdict::Tally;

/// What all back ends of a run share.
#[derive(Clone, Debug)]
pub struct Lab {
    /// The store under test.
    pub target: Target,
    /// What everything random follows from.
    pub seed: u64,
    /// A folder for images, logs and data directories. It is removed when all is well.
    pub scratch: PathBuf,
}

impl Lab {
    /// The random numbers of one unit.
    #[must_use]
    pub fn random(&self, unit: u64) -> Random {
        let mut mixed = Random::new(self.seed);
        Random::new(mixed.bits() ^ unit.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }
}

/// One way in which a machine fails.
pub trait BackEnd: Sync {
    /// Its name in plans and verdicts.
    fn name(&self) -> &'static str;
    /// Why this machine, or this target, cannot do it. What a reader can do about it is said too.
    fn detect(&self, lab: &Lab) -> Result<(), String>;
    /// How many states are wanted.
    fn goal(&self) -> u64;
    /// Threads that may work at once; each has a worker of its own.
    fn jobs_max(&self) -> usize {
        usize::MAX
    }
    /// How many units there are, where that is bounded by what is to be tried.
    fn units_max(&self) -> u64 {
        u64::MAX
    }
    /// Whether a unit that is run again goes through the very same: nothing in it is left to chance.
    fn repeats(&self) -> bool {
        false
    }
    /// Gets thread number `job` ready to work: images, mounts, folders below the scratch folder.
    fn worker<'a>(&'a self, lab: &'a Lab, job: usize) -> io::Result<Box<dyn Worker + 'a>>;
}

/// One thread of a back end. Its drop puts away what it made.
pub trait Worker {
    /// Does unit `number` and adds what came of it. An error means that it could not be done: it is
    /// the lab's or the machine's fault, and ends the run; what the store does wrong is a finding.
    fn unit(&mut self, number: u64, tally: &mut Tally) -> io::Result<()>;
}
