//! A measured quantity beside its anchor, over rounds.

use serde::Serialize;

/// What one round says of a quantity.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Which quantity.
    pub what: What,
    /// What was measured.
    pub ours: f64,
    /// What it is compared with, measured in the same round.
    pub anchor: Option<f64>,
}

/// A quantity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct What {
    /// The workload that measures it.
    pub workload: &'static str,
    /// What it is, in words.
    pub name: String,
    /// Its unit.
    pub unit: &'static str,
    /// What the anchor is, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anchor: Option<String>,
}

/// A quantity over all rounds.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    /// Which one.
    #[serde(flatten)]
    pub what: What,
    /// The median of the rounds.
    pub ours: f64,
    /// The least of them.
    pub least: f64,
    /// The most of them.
    pub most: f64,
    /// The anchor's median.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anchor_value: Option<f64>,
    /// The median of the rounds' ratios: ours over the anchor of the same round.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratio: Option<f64>,
    /// Rounds.
    pub rounds: usize,
}

/// Medians of `samples`, a figure for each quantity in the order in which they first came.
#[must_use]
pub fn figures(samples: &[Sample]) -> Vec<Figure> {
    let mut kinds: Vec<&What> = Vec::new();
    for sample in samples {
        if !kinds.contains(&&sample.what) {
            kinds.push(&sample.what);
        }
    }
    kinds.into_iter().map(|what| figure(what, samples)).collect()
}

fn figure(what: &What, samples: &[Sample]) -> Figure {
    let of_kind = || samples.iter().filter(|sample| sample.what == *what);
    let ours: Vec<_> = of_kind().map(|sample| sample.ours).collect();
    let anchors: Vec<_> = of_kind().filter_map(|sample| sample.anchor).collect();
    let ratios: Vec<_> =
        of_kind().filter_map(|sample| Some(sample.ours / sample.anchor?)).collect();
    Figure {
        what: what.clone(),
        least: ours.iter().copied().fold(f64::INFINITY, f64::min),
        most: ours.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        rounds: ours.len(),
        ours: median(ours).unwrap_or(f64::NAN),
        anchor_value: median(anchors),
        ratio: median(ratios),
    }
}

/// The one in the middle, or between the two there.
#[must_use]
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        length if length.is_multiple_of(2) => {
            Some(f64::midpoint(values[middle - 1], values[middle]))
        }
        _ => Some(values[middle]),
    }
}
