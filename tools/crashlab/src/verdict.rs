//! What came of a run: counts and findings, back end by back end.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Findings that are kept of a back end; all are counted.
pub const FINDINGS_KEPT_MAX: usize = 20;

/// The ways in which a store breaks its promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Broken {
    /// What was acknowledged is not there.
    Lost,
    /// What is there was never sent, or is where it was not acknowledged.
    Phantom,
    /// It comes before something that was acknowledged before it was sent.
    Reordered,
    /// It is there more than once.
    Duplicated,
    /// Its bytes are not what was sent.
    WrongBytes,
    /// Damage is reported where there is none.
    FalseAlarm,
    /// Damage was done, and is not reported.
    Undetected,
    /// The store does not start, does not go on, or ends in a panic.
    Unusable,
}

impl Broken {
    /// All of them, in the order in which verdicts show them.
    pub const ALL: [Broken; 8] = [
        Broken::Lost,
        Broken::Phantom,
        Broken::Reordered,
        Broken::Duplicated,
        Broken::WrongBytes,
        Broken::FalseAlarm,
        Broken::Undetected,
        Broken::Unusable,
    ];

    /// As verdicts spell it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Broken::Lost => "lost",
            Broken::Phantom => "phantom",
            Broken::Reordered => "reordered",
            Broken::Duplicated => "duplicated",
            Broken::WrongBytes => "wrong_bytes",
            Broken::FalseAlarm => "false_alarm",
            Broken::Undetected => "undetected",
            Broken::Unusable => "unusable",
        }
    }
}

/// A promise that was broken, and how to see it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// In which way.
    pub broken: Broken,
    /// What is wrong, and where.
    pub what: String,
    /// Seed, unit and moment: enough to see it again.
    pub replay: String,
    /// The unit that found it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<u64>,
}

/// What a back end has gone through so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tally {
    /// Failures of a machine after which a store was started and all of it was checked.
    pub states: u64,
    /// Acknowledged records that were looked for, over all states.
    pub acknowledged: u64,
    /// How often each promise was broken.
    pub broken: BTreeMap<Broken, u64>,
    /// Further counts of the back end's own: kills, flushes that failed, refusals.
    pub counts: BTreeMap<String, u64>,
    /// The first findings.
    pub findings: Vec<Finding>,
    /// What was found once, by units that broke no promise when they were run again. Not counted in
    /// `broken` any more.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mended: Vec<Finding>,
}

impl Tally {
    /// Counts a state, with the acknowledged records that were looked for in it.
    pub fn state(&mut self, acknowledged: u64) {
        self.states += 1;
        self.acknowledged += acknowledged;
    }

    /// Counts something of the back end's own.
    pub fn count(&mut self, what: &str, by: u64) {
        *self.counts.entry(what.to_owned()).or_default() += by;
    }

    /// Notes a broken promise.
    pub fn found(&mut self, broken: Broken, what: impl Into<String>, replay: impl Into<String>) {
        *self.broken.entry(broken).or_default() += 1;
        if self.findings.len() < FINDINGS_KEPT_MAX {
            let (what, replay) = (what.into(), replay.into());
            self.findings.push(Finding { broken, what, replay, unit: None });
        }
    }

    /// Notes which unit the findings so far are of.
    pub fn found_by(&mut self, unit: u64) {
        for finding in &mut self.findings {
            finding.unit.get_or_insert(unit);
        }
    }

    /// Takes the findings of `unit` for mended.
    pub fn mend(&mut self, unit: u64) {
        let mended = self.take_findings(unit);
        self.mended.extend(mended);
    }

    /// Replaces the findings of `unit` by those that it made when it was run again.
    pub fn replace(&mut self, unit: u64, again: Tally) {
        self.take_findings(unit);
        self.add(Tally { broken: again.broken, findings: again.findings, ..Tally::default() });
    }

    /// Takes the findings of `unit` out, and out of the counts.
    fn take_findings(&mut self, unit: u64) -> Vec<Finding> {
        let (taken, left): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.findings).into_iter().partition(|of| of.unit == Some(unit));
        for Finding { broken, .. } in &taken {
            if let Some(times) = self.broken.get_mut(broken) {
                *times = times.saturating_sub(1);
            }
        }
        self.broken.retain(|_, times| *times > 0);
        self.findings = left;
        taken
    }

    /// How many promises were broken.
    #[must_use]
    pub fn broken_in_all(&self) -> u64 {
        self.broken.values().sum()
    }

    /// Adds what another has gone through.
    pub fn add(&mut self, other: Tally) {
        self.states += other.states;
        self.acknowledged += other.acknowledged;
        for (broken, times) in other.broken {
            *self.broken.entry(broken).or_default() += times;
        }
        for (what, by) in other.counts {
            *self.counts.entry(what).or_default() += by;
        }
        let room = FINDINGS_KEPT_MAX.saturating_sub(self.findings.len());
        self.findings.extend(other.findings.into_iter().take(room));
        self.mended.extend(other.mended);
    }
}
