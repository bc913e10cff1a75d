//! Which damages a run goes through, unit by unit.

use std::io;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use crate::backend::{BackEnd, Lab, Worker};
use crate::flips::damage::{BITS, Damage, Kind, small_set};
use crate::flips::scene::{Ending, Extent, Scene};
use crate::flips::state::{Depth, judge};
use crate::random::Random;
use crate::target::Target;
use crate::verdict::Tally;

/// States in one unit.
pub const UNIT_STATES: u64 = 4096;
/// Bytes whose every bit is flipped, half of them on each scene.
pub const SMALL_SET_BYTES: u64 = 64 * 1024;
/// One state in so many is worked on, not only read.
const WORK_EVERY: u64 = 64;

/// What is to be done: the section `flips` of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Whether every bit of every byte of a small set of files is flipped, one after the other.
    pub exhaustive: bool,
    /// Bits that are flipped at random places.
    pub random: u64,
    /// Sectors, pages and runs of pages that are zeroed.
    pub zeroed: u64,
    /// Blocks that stand where another one belongs.
    pub misdirected: u64,
    /// Blocks that are of an earlier moment.
    pub stale: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { exhaustive: true, random: 8192, zeroed: 4096, misdirected: 4096, stale: 4096 }
    }
}

/// The back end.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct Flips {
    /// What is to be done.
    pub settings: Settings,
}

/// Scenes, and the places of each whose every bit is flipped.
pub(super) struct Stage {
    pub(super) scene: Scene,
    small: Vec<Extent>,
    /// How many bytes stand before each of them.
    before: Vec<u64>,
}

impl Stage {
    fn make(ending: Ending) -> Result<Stage, String> {
        let scene = Scene::make(ending).map_err(|error| error.to_string())?;
        let small = small_set(&scene, SMALL_SET_BYTES / 2);
        let mut bytes = 0;
        let before = small.iter().map(|extent| {
            bytes += extent.range.end - extent.range.start;
            bytes - (extent.range.end - extent.range.start)
        });
        let before = before.collect();
        Ok(Stage { scene, small, before })
    }

    /// Bit number `number` of the small set.
    fn bit(&self, number: u64) -> Option<Damage> {
        let at = number / BITS;
        let index = self.before.partition_point(|before| *before <= at).checked_sub(1)?;
        let Extent { file, range } = &self.small[index];
        let byte = range.start + (at - self.before[index]);
        let bit = u8::try_from(number % BITS).ok()?;
        (byte < range.end).then(|| Damage::Flip { file: file.clone(), byte, bit })
    }
}

/// Every bit of a stage's small set, in order.
pub(super) fn small_damages(stage: &Stage) -> impl Iterator<Item = Damage> + '_ {
    (0..).map_while(|number| stage.bit(number))
}

/// Both stages, made once: they follow from nothing but the code.
pub(super) fn stages() -> io::Result<&'static [Stage; 2]> {
    static STAGES: OnceLock<Result<[Stage; 2], String>> = OnceLock::new();
    let made =
        STAGES.get_or_init(|| Ok([Stage::make(Ending::Closed)?, Stage::make(Ending::PowerLost)?]));
    made.as_ref().map_err(|error| io::Error::other(error.clone()))
}

impl Settings {
    /// States of each part, in the order of the units.
    fn parts(&self) -> [(Option<Kind>, u64); 5] {
        let small = if self.exhaustive { SMALL_SET_BYTES * BITS } else { 0 };
        [
            (None, small),
            (Some(Kind::Flip), self.random),
            (Some(Kind::Zeroed), self.zeroed),
            (Some(Kind::Misdirected), self.misdirected),
            (Some(Kind::Stale), self.stale),
        ]
    }

    /// What unit `number` does: a kind of damage, `None` for the small set; from which state of
    /// its part on, and how many.
    pub(super) fn unit(&self, mut number: u64) -> Option<(Option<Kind>, u64, u64)> {
        for (kind, states) in self.parts() {
            let units = states.div_ceil(UNIT_STATES);
            if number < units {
                let first = number * UNIT_STATES;
                return Some((kind, first, UNIT_STATES.min(states - first)));
            }
            number -= units;
        }
        None
    }
}

impl BackEnd for Flips {
    fn name(&self) -> &'static str {
        "flips"
    }

    fn detect(&self, lab: &Lab) -> Result<(), String> {
        match &lab.target {
            Target::Own { .. } => Ok(()),
            Target::Command { .. } => {
                Err("the simulated disk is under Flowstone's own engine alone".to_owned())
            }
        }
    }

    fn goal(&self) -> u64 {
        self.settings.parts().iter().map(|(_, states)| states).sum()
    }

    fn units_max(&self) -> u64 {
        self.settings.parts().iter().map(|(_, states)| states.div_ceil(UNIT_STATES)).sum()
    }

    fn repeats(&self) -> bool {
        true
    }

    fn worker<'a>(&'a self, lab: &'a Lab, _job: usize) -> io::Result<Box<dyn Worker + 'a>> {
        Ok(Box::new(FlipsWorker { settings: self.settings, lab, stages: stages()? }))
    }
}

struct FlipsWorker<'a> {
    settings: Settings,
    lab: &'a Lab,
    stages: &'static [Stage; 2],
}

impl Worker for FlipsWorker<'_> {
    fn unit(&mut self, number: u64, tally: &mut Tally) -> io::Result<()> {
        let Some((kind, first, states)) = self.settings.unit(number) else { return Ok(()) };
        let mut random = self.lab.random(number);
        for state in first..first + states {
            let stage = &self.stages[usize::from(state % 2 == 1)];
            let damage = match kind {
                None => stage.bit(state / 2),
                Some(kind) => Damage::choose(kind, &stage.scene, &mut random),
            };
            let what = kind.map_or("exhaustive", Kind::name);
            let Some(damage) = damage else {
                return Err(io::Error::other(format!("no place for damage: {what}")));
            };
            let replay = format!("seed {}, unit {number}, state {state}", self.lab.seed);
            try_one(&stage.scene, &damage, what, &mut random, tally, &replay);
        }
        Ok(())
    }
}

/// Does one state and tells `tally`.
pub(super) fn try_one(
    scene: &Scene,
    damage: &Damage,
    what: &str,
    random: &mut Random,
    tally: &mut Tally,
    replay: &str,
) {
    let depth = if random.below(WORK_EVERY) == 0 { Depth::Work } else { Depth::Read };
    tally.state(scene.known.records);
    if depth == Depth::Work {
        tally.count("worked on", 1);
    }
    let where_to = match damage.place().file.as_str() {
        name if name.starts_with("journal/") => "journal",
        name if name.starts_with("segments/") => "segments",
        name if name.starts_with("catalog") => "catalog",
        _ => "other files",
    };
    match judge(scene, damage, depth) {
        Ok(outcome) => {
            tally.count(&format!("{what}: {}", outcome.name()), 1);
            tally.count(&format!("{where_to}: {}", outcome.name()), 1);
        }
        Err((broken, found)) => {
            let ending = scene.ending;
            tally.found(broken, format!("{ending:?}, {damage}: {found}"), replay);
        }
    }
}
