//! What a run has found, for people, for programs, and as pictures.
//!
//! | file       | owns |
//! |------------|------|
//! | `table.rs` | the Markdown table |
//! | `plot.rs`  | throughput over latency, and percentiles of latency, as SVG |

mod plot;
mod table;

use serde::Serialize;

use crate::figure::{Figure, figures, median};
use crate::machine::Machine;
use crate::plan::Outcome;
use crate::workload::Load;

pub use plot::plot;

/// All that a run has found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Where it ran.
    pub machine: Machine,
    /// Whether the load had to share the server's core.
    pub is_core_shared: bool,
    /// Medians.
    pub figures: Vec<Figure>,
    /// The loads, of the round with the median throughput each.
    pub loads: Vec<Load>,
    /// What could not be measured, and why.
    pub missing: Vec<String>,
}

impl Report {
    /// What `outcome` amounts to.
    #[must_use]
    pub fn of(machine: Machine, is_core_shared: bool, outcome: &Outcome) -> Report {
        Report {
            machine,
            is_core_shared,
            figures: figures(&outcome.samples),
            loads: median_loads(&outcome.loads),
            missing: outcome.missing.clone(),
        }
    }

    /// As Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        table::markdown(self)
    }
}

/// Of each load the round whose throughput is nearest to the median of all rounds.
fn median_loads(loads: &[(usize, Load)]) -> Vec<Load> {
    let mut names: Vec<&str> = Vec::new();
    for (_, load) in loads {
        if !names.contains(&load.name.as_str()) {
            names.push(&load.name);
        }
    }
    let median_of = |name: &&str| {
        let of_name = || loads.iter().map(|(_, load)| load).filter(|load| load.name == **name);
        let middle = median(of_name().map(|load| load.records_a_second).collect())?;
        let distance = |load: &&Load| (load.records_a_second - middle).abs();
        of_name().min_by(|a, b| distance(a).total_cmp(&distance(b))).cloned()
    };
    names.iter().filter_map(median_of).collect()
}
