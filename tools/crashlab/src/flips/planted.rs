//! Bugs that are planted, and what catches them.

use flowstone_engine::planted::{Bug, plant};

use crate::flips::backend::{Stage, small_damages, stages};
use crate::flips::damage::Damage;
use crate::flips::state::{Depth, judge};

/// Each bug, what it is, and what catches it.
pub const PLANTED: &[(Bug, &str, &str)] = &[
    (
        Bug::TrustCatalog,
        "a catalog that has lost its last commit is believed",
        "flipped bits of the catalog's newest pages: rows of before are served",
    ),
    (
        Bug::TrustCatalogPages,
        "the catalog's pages are not compared with their checksums when it opens",
        "flipped bits of the catalog after an end in order: rows are not what was committed",
    ),
    (
        Bug::TrustPayload,
        "a frame's payload is not compared with its checksum",
        "flipped bits of the journal: a record is served with wrong bytes",
    ),
    (
        Bug::TrustFrameHeader,
        "a frame's header is not compared with its checksum",
        "flipped bits of the journal: frames are taken for what they are not",
    ),
    (
        Bug::TrustFileHeader,
        "a journal file's header is not compared with its checksum",
        "flipped bits of the journal: a whole file is taken for another one",
    ),
    (
        Bug::TrustBlocks,
        "blocks of a segment, and the frames in them, are not compared with their checksums",
        "flipped bits of segments: a record is served with wrong bytes",
    ),
    (
        Bug::TrustFooter,
        "a segment's footer is not compared with its checksum",
        "flipped bits of segments: reading from a time begins elsewhere",
    ),
];

/// Bits that are tried before a bug counts as not caught.
const BITS_MAX: usize = 6000;

/// What damage shows that `bug` is there; `None` when none does. `seed` says at which bit the
/// search begins.
pub fn catch(bug: Bug, seed: u64) -> Option<String> {
    let folder = match bug {
        Bug::TrustCatalog | Bug::TrustCatalogPages => "catalog",
        Bug::TrustPayload | Bug::TrustFrameHeader | Bug::TrustFileHeader => "journal/",
        Bug::TrustBlocks | Bug::TrustFooter => "segments/",
        _ => return None,
    };
    let stages = stages().ok()?;
    stages.iter().find_map(|stage| search(stage, folder, bug, seed))
}

fn search(stage: &Stage, folder: &str, bug: Bug, seed: u64) -> Option<String> {
    let all: Vec<Damage> =
        small_damages(stage).filter(|damage| damage.place().file.starts_with(folder)).collect();
    // Spread over the files: neighbours tell much the same.
    let stride = all.len().div_ceil(BITS_MAX).max(1);
    let first = usize::try_from(seed % stride as u64).ok()?;
    let _planted = Planted::begin(bug);
    all.iter().skip(first).step_by(stride).find_map(|damage| {
        let (broken, what) = judge(&stage.scene, damage, Depth::Read).err()?;
        Some(format!("{damage}: {}: {what}", broken.name()))
    })
}

struct Planted;

impl Planted {
    fn begin(bug: Bug) -> Planted {
        plant(Some(bug));
        Planted
    }
}

impl Drop for Planted {
    fn drop(&mut self) {
        plant(None);
    }
}
