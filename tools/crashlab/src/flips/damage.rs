//! What is done to a disk: bits, zeros, blocks in the wrong place and blocks of the past.

use std::fmt;
use std::ops::Range;

use flowstone_engine::io::sim::SimDisk;

use crate::flips::scene::{Extent, PAGE_BYTES, Scene};
use crate::random::Random;

/// Bits of one byte.
pub const BITS: u64 = 8;
/// How much is zeroed, misdirected or stale at once: a sector, or a page. Several pages are zeroed
/// too.
const BLOCK_BYTES: [u64; 2] = [512, PAGE_BYTES];
/// The most pages that are zeroed at once: in the journal that can be the newest commits together
/// with the marker behind them.
pub const PAGES_MAX: u64 = 4;
/// Choices after which a block counts as impossible to choose.
const CHOICES_MAX: usize = 10_000;
/// What is written and not zero is found by this much.
const GRAIN_BYTES: u64 = 16;

/// Damage to one place of a disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Damage {
    /// One bit is the other way round.
    Flip {
        /// Of which file.
        file: String,
        /// Which byte.
        byte: u64,
        /// Which bit of it, 0 to 7.
        bit: u8,
    },
    /// Zeros stand where something stood.
    Zeroed(Extent),
    /// A block stands where another one belongs.
    Misdirected {
        /// The block.
        from: Extent,
        /// Where it stands too.
        to: Extent,
    },
    /// A write never arrived: what was there at moment `moment` of the scene's past still is.
    Stale {
        /// Which snapshot.
        moment: usize,
        /// Where.
        at: Extent,
    },
}

/// The kinds of damage that are chosen at random.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// [`Damage::Flip`].
    Flip,
    /// [`Damage::Zeroed`].
    Zeroed,
    /// [`Damage::Misdirected`].
    Misdirected,
    /// [`Damage::Stale`].
    Stale,
}

impl Kind {
    /// As counts spell it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Flip => "flips",
            Kind::Zeroed => "zeroed",
            Kind::Misdirected => "misdirected",
            Kind::Stale => "stale",
        }
    }
}

impl Damage {
    /// Damage of `kind` that changes bytes of `scene`. `None` when none can be found.
    pub fn choose(kind: Kind, scene: &Scene, random: &mut Random) -> Option<Damage> {
        let found = |damage: &Damage| damage.changes(scene);
        (0..CHOICES_MAX).filter_map(|_| Damage::propose(kind, scene, random)).find(found)
    }

    fn propose(kind: Kind, scene: &Scene, random: &mut Random) -> Option<Damage> {
        match kind {
            Kind::Flip => {
                let Extent { file, range } = pick(scene, 1, random)?;
                let bit = u8::try_from(random.below(BITS)).ok()?;
                Some(Damage::Flip { file, byte: range.start, bit })
            }
            Kind::Zeroed => {
                let pages = 1 + random.below(PAGES_MAX);
                let bytes = [BLOCK_BYTES[0], BLOCK_BYTES[1], pages * PAGE_BYTES];
                let chosen = *bytes.get(usize::try_from(random.below(3)).ok()?)?;
                Some(Damage::Zeroed(pick(scene, chosen, random)?))
            }
            Kind::Misdirected => {
                let bytes = BLOCK_BYTES[usize::try_from(random.below(2)).ok()?];
                let (from, mut to) = (pick(scene, bytes, random)?, pick(scene, bytes, random)?);
                // A file's last block may be short.
                let length = (from.range.end - from.range.start).min(to.range.end - to.range.start);
                to.range.end = to.range.start + length;
                let range = from.range.start..from.range.start + length;
                Some(Damage::Misdirected { from: Extent { range, ..from }, to })
            }
            Kind::Stale => {
                let bytes = BLOCK_BYTES[usize::try_from(random.below(2)).ok()?];
                let mut at = pick(scene, bytes, random)?;
                let moment = usize::try_from(random.below(scene.past.len() as u64)).ok()?;
                let was = scene.past[moment].get(&at.file)?;
                at.range.end = at.range.end.min(was.len() as u64);
                (at.range.start < at.range.end).then_some(Damage::Stale { moment, at })
            }
        }
    }

    /// Whether it changes any byte.
    #[must_use]
    pub fn changes(&self, scene: &Scene) -> bool {
        let at = self.place();
        scene.bytes.get(&at.file).and_then(|bytes| slice(bytes, &at.range)).is_some_and(|now| {
            match self {
                Damage::Flip { .. } => true,
                Damage::Zeroed(_) => now.iter().any(|byte| *byte != 0),
                Damage::Misdirected { from, .. } => {
                    let there = scene.bytes.get(&from.file);
                    there.and_then(|bytes| slice(bytes, &from.range)) != Some(now)
                }
                Damage::Stale { moment, .. } => {
                    let was = scene.past[*moment].get(&at.file);
                    was.and_then(|bytes| slice(bytes, &at.range)).is_some_and(|was| was != now)
                }
            }
        })
    }

    /// Which bytes change.
    #[must_use]
    pub fn place(&self) -> Extent {
        match self {
            Damage::Flip { file, byte, .. } => {
                Extent { file: file.clone(), range: *byte..*byte + 1 }
            }
            Damage::Zeroed(at) | Damage::Stale { at, .. } => at.clone(),
            Damage::Misdirected { to, .. } => to.clone(),
        }
    }

    /// Does it to `disk`, a copy of the scene's.
    pub fn apply(&self, scene: &Scene, disk: &SimDisk) {
        match self {
            Damage::Flip { file, byte, bit } => disk.flip_bit(file, *byte, *bit),
            Damage::Zeroed(at) => disk.zero_range(&at.file, at.range.clone()),
            Damage::Misdirected { from, to } => {
                disk.copy_range(&from.file, from.range.clone(), &to.file, to.range.start);
            }
            Damage::Stale { moment, at } => {
                let was = scene.past[*moment].get(&at.file);
                let was = was.and_then(|bytes| slice(bytes, &at.range));
                disk.overwrite(&at.file, was.expect("it was compared"), at.range.start);
            }
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Damage::Flip { file, byte, bit } => write!(f, "bit {bit} of byte {byte} of {file}"),
            Damage::Zeroed(at) => write!(f, "zeros at {at}"),
            Damage::Misdirected { from, to } => write!(f, "{from} at {to}"),
            Damage::Stale { moment, at } => write!(f, "{at} of moment {moment}"),
        }
    }
}

impl fmt::Display for Extent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{} of {}", self.range.start, self.range.end, self.file)
    }
}

fn slice<'a>(bytes: &'a [u8], range: &Range<u64>) -> Option<&'a [u8]> {
    bytes.get(usize::try_from(range.start).ok()?..usize::try_from(range.end).ok()?)
}

/// A block of `bytes` bytes, aligned to its size or to a page. Seven in eight are of written
/// pages.
fn pick(scene: &Scene, bytes: u64, random: &mut Random) -> Option<Extent> {
    let files: Vec<_> = scene.bytes.iter().filter(|(_, bytes)| !bytes.is_empty()).collect();
    let (file, content) = files.get(usize::try_from(random.below(files.len() as u64)).ok()?)?;
    let length = content.len() as u64;
    let align = bytes.min(PAGE_BYTES);
    let start = random.below(length.div_ceil(align)) * align;
    let range = start..(start + bytes).min(length);
    if scene.is_free(file, &range) && random.below(8) != 0 {
        return None;
    }
    Some(Extent { file: (*file).clone(), range })
}

/// Places of a scene of exactly `bytes` bytes: first all that is written and not zero, then what
/// is around it, then free pages.
#[must_use]
pub fn small_set(scene: &Scene, bytes: u64) -> Vec<Extent> {
    let mut ranked: [Vec<Extent>; 3] = [Vec::new(), Vec::new(), Vec::new()];
    for (file, content) in &scene.bytes {
        let mut start = 0;
        for grain in content.chunks(usize::try_from(GRAIN_BYTES).expect("small")) {
            let range = start..start + grain.len() as u64;
            let rank = match grain.iter().any(|byte| *byte != 0) {
                _ if scene.is_free(file, &range) => 2,
                true => 0,
                false => 1,
            };
            start = range.end;
            ranked[rank].push(Extent { file: file.clone(), range });
        }
    }
    let mut left = bytes;
    let mut set = Vec::new();
    for rank in ranked {
        let has: u64 = rank.iter().map(|extent| extent.range.end - extent.range.start).sum();
        // What does not fit is thinned out evenly, so that every file keeps a share.
        let stride = usize::try_from(has.div_ceil(left.max(1))).expect("disks are small").max(1);
        for first in 0..stride {
            for mut extent in rank.iter().skip(first).step_by(stride).cloned() {
                extent.range.end = extent.range.end.min(extent.range.start + left);
                left -= extent.range.end - extent.range.start;
                if !extent.range.is_empty() {
                    set.push(extent);
                }
            }
        }
    }
    set
}
