//! The verdict as it is shown: JSON for programs, Markdown for people.

use std::fmt::Write;

use serde::Serialize;

use crate::run::{Outcome, Part};
use crate::verdict::{Broken, Tally};

/// What came of a whole run.
#[derive(Clone, Debug, Serialize)]
pub struct Verdict {
    /// The version of this form.
    pub version: u32,
    /// The store under test.
    pub target: String,
    /// What everything random followed from.
    pub seed: u64,
    /// Whether no promise was broken. Skipped back ends tell nothing.
    pub is_kept: bool,
    /// Back end by back end.
    pub parts: Vec<Part>,
}

impl Verdict {
    /// The verdict on `parts`.
    #[must_use]
    pub fn of(target: String, seed: u64, parts: Vec<Part>) -> Verdict {
        let is_kept = parts.iter().all(|part| part.outcome != Outcome::Failed);
        Verdict { version: 1, target, seed, is_kept, parts }
    }

    /// As Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = format!("# Crash lab: {}\n\nSeed {}.\n\n", self.target, self.seed);
        text.push_str("| back end | outcome | states | wanted | acknowledged, looked for |");
        let mut rule = String::from("|---|---|---:|---:|---:|");
        for broken in Broken::ALL {
            // Writing into memory does not fail.
            let _ = write!(text, " {} |", broken.name().replace('_', " "));
            rule.push_str("---:|");
        }
        let _ = writeln!(text, " seconds |\n{rule}---:|");
        for part in &self.parts {
            let Part { back_end, tally, .. } = part;
            let _ = write!(
                text,
                "| {back_end} | {} | {} | {} | {} |",
                word(part.outcome),
                grouped(tally.states),
                if part.wanted == u64::MAX { "all".to_owned() } else { grouped(part.wanted) },
                grouped(tally.acknowledged)
            );
            for broken in Broken::ALL {
                let times = tally.broken.get(&broken).copied().unwrap_or(0);
                let _ = write!(text, " {} |", grouped(times));
            }
            let _ = writeln!(text, " {:.0} |", part.seconds);
        }
        for part in &self.parts {
            if let Some(reason) = &part.reason {
                let _ = writeln!(text, "\nSkipped `{}`: {reason}.", part.back_end);
            }
            if !part.tally.counts.is_empty() {
                let counts = part.tally.counts.iter();
                let counts: Vec<_> =
                    counts.map(|(what, by)| format!("{what} {}", grouped(*by))).collect();
                let _ = writeln!(text, "\n`{}`: {}.", part.back_end, counts.join(", "));
            }
        }
        for part in &self.parts {
            let Tally { findings, mended, .. } = &part.tally;
            let found = findings.iter().map(|finding| (finding, "again"));
            let mended = mended.iter().map(|finding| (finding, "mended since; it was"));
            for (finding, replay) in found.chain(mended) {
                let _ = writeln!(
                    text,
                    "\n- **{}** by `{}`: {}\n  {replay}: {}",
                    finding.broken.name().replace('_', " "),
                    part.back_end,
                    finding.what,
                    finding.replay
                );
            }
        }
        text
    }
}

const fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "passed",
        Outcome::Failed => "**failed**",
        Outcome::Skipped => "skipped",
        Outcome::Unfinished => "unfinished",
    }
}

/// `1234567` as `1,234,567`.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
