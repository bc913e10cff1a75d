//! Which workloads, and how often.

use std::io;

use crate::figure::Sample;
use crate::workload::bench::Bench;
use crate::workload::{ALL, Load, When, Workload};

/// What came of a run.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Of all rounds.
    pub samples: Vec<Sample>,
    /// Loads of all rounds, each with its round.
    pub loads: Vec<(usize, Load)>,
    /// What could not be measured, and why.
    pub missing: Vec<String>,
}

/// The workloads with these names; all that do not take minutes when there are none.
pub fn chosen(names: &[String]) -> io::Result<Vec<&'static Workload>> {
    if let Some(unknown) = names.iter().find(|name| !ALL.iter().any(|known| known.name == **name)) {
        let known: Vec<_> = ALL.iter().map(|workload| workload.name).collect();
        let message = format!("there is no workload `{unknown}`: there are {}", known.join(", "));
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    let is_chosen = |workload: &&Workload| match names {
        [] => workload.when == When::Always,
        names => names.iter().any(|name| name == workload.name),
    };
    Ok(ALL.iter().filter(is_chosen).collect())
}

/// Runs `rounds` rounds of all `workloads` in turn: what the machine is busy with at a time hits
/// all of them alike. Tells `progress` what begins.
pub fn run(
    bench: &Bench,
    workloads: &[&Workload],
    rounds: usize,
    progress: &mut dyn FnMut(usize, &Workload),
) -> io::Result<Outcome> {
    let mut outcome = Outcome::default();
    for round in 0..rounds {
        let runs = |workload: &&&Workload| round == 0 || workload.when != When::ByNameOnce;
        for workload in workloads.iter().filter(runs) {
            progress(round, workload);
            let done = workload.round(bench).map_err(|error| {
                io::Error::new(error.kind(), format!("{}: {error}", workload.name))
            })?;
            outcome.samples.extend(done.samples);
            outcome.loads.extend(done.loads.into_iter().map(|load| (round, load)));
            for missing in done.missing {
                if !outcome.missing.contains(&missing) {
                    outcome.missing.push(missing);
                }
            }
        }
    }
    Ok(outcome)
}
