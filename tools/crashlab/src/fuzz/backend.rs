//! Every decoder under fuzz, as a back end.

use std::fs;
use std::io;
use std::time::Duration;

use serde::Deserialize;

use crate::backend::{BackEnd, Lab, Worker};
use crate::fuzz::{TARGETS, Target, runner};
use crate::stopwatch::Stopwatch;
use crate::verdict::{Broken, Tally};

/// Executions of all decoders in a round of units, each as much of them as its share says.
const EXECUTIONS_A_ROUND: u64 = 1_000_000;
/// Executions between two looks at the time.
const EXECUTIONS_A_LOOK: u64 = 200;
/// Memory that the process may have needed at its peak during a unit, in bytes.
const MEMORY_BYTES_MAX: u64 = 2 << 30;

/// How long, or how often.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Executions of all decoders together; each has its share.
    pub executions: u64,
    /// Instead: seconds for each decoder.
    pub seconds_each: Option<u64>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { executions: 100_000, seconds_each: None }
    }
}

impl BackEnd for Settings {
    fn name(&self) -> &'static str {
        "decoders"
    }

    fn detect(&self, lab: &Lab) -> Result<(), String> {
        if lab.target.is_own() {
            Ok(())
        } else {
            Err("only Flowstone's own decoders are known here".to_owned())
        }
    }

    fn goal(&self) -> u64 {
        if self.seconds_each.is_some() { u64::MAX } else { self.executions }
    }

    fn units_max(&self) -> u64 {
        if self.seconds_each.is_some() { TARGETS.len() as u64 } else { u64::MAX }
    }

    fn repeats(&self) -> bool {
        self.seconds_each.is_none()
    }

    fn worker<'a>(&'a self, lab: &'a Lab, _: usize) -> io::Result<Box<dyn Worker + 'a>> {
        Ok(Box::new(Fuzzer { settings: self, lab }))
    }
}

struct Fuzzer<'a> {
    settings: &'a Settings,
    lab: &'a Lab,
}

impl Fuzzer<'_> {
    fn run(&self, target: &Target, seed: u64) -> (u64, Result<(), String>) {
        match self.settings.seconds_each {
            None => {
                let executions = EXECUTIONS_A_ROUND * u64::from(target.share) / 1000;
                (executions, runner::run(target, seed, executions))
            }
            Some(seconds) => {
                let time = Stopwatch::start();
                let is_over = || time.elapsed() >= Duration::from_secs(seconds);
                runner::run_until(target, seed, EXECUTIONS_A_LOOK, is_over)
            }
        }
    }
}

impl Worker for Fuzzer<'_> {
    fn unit(&mut self, number: u64, tally: &mut Tally) -> io::Result<()> {
        let index = usize::try_from(number % TARGETS.len() as u64).unwrap_or(0);
        let target = &TARGETS[index];
        let seed = self.lab.random(number).bits();
        reset_peak()?;
        let (executions, ran) = self.run(target, seed);
        tally.states += executions;
        tally.count(target.name, executions);
        if let Err(hex) = ran {
            let replay = format!(
                "FLOWSTONE_FUZZ_REPLAY={}:{hex} cargo test -p flowstone-tests --test fuzz",
                target.name
            );
            tally.found(Broken::Unusable, format!("panic of {}", target.name), replay);
        }
        let peak = peak_bytes()?;
        if peak > MEMORY_BYTES_MAX {
            let what = format!("{} took the process to {} MiB", target.name, peak >> 20);
            tally.found(Broken::Unusable, what, format!("seed {}, unit {number}", self.lab.seed));
        }
        Ok(())
    }
}

/// Lets the kernel count the peak from now on.
fn reset_peak() -> io::Result<()> {
    const RESET_PEAK: &str = "5";
    fs::write("/proc/self/clear_refs", RESET_PEAK)
}

fn peak_bytes() -> io::Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = peak.and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok());
    kib.map(|kib| kib << 10).ok_or_else(|| io::Error::other("the kernel tells no peak of memory"))
}
