//! Bugs that are planted, and what catches them.

use flowstone_engine::planted::{Bug, plant};

use crate::flips::backend::{Stage, small_damages, stages};
use crate::flips::damage::{Damage, PAGES_MAX};
use crate::flips::scene::{Extent, PAGE_BYTES};
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
        Bug::TrustJournalEnd,
        "the journal is believed to end where nothing is left of what came behind",
        "zeroed pages of the journal: the newest records are missing",
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
        "a journal file's header is believed: neither its checksum nor the frames are asked",
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

/// Damages of a scene that are tried before a bug counts as not caught.
const STATES_MAX: usize = 6000;

/// What damage shows that `bug` is there; `None` when none does. `seed` says at which bit the
/// search begins.
pub fn catch(bug: Bug, seed: u64) -> Option<String> {
    let damages: fn(&Stage) -> Vec<Damage> = match bug {
        Bug::TrustCatalog | Bug::TrustCatalogPages => |stage| bits(stage, "catalog"),
        Bug::TrustPayload | Bug::TrustFrameHeader | Bug::TrustFileHeader => {
            |stage| bits(stage, "journal/")
        }
        Bug::TrustBlocks | Bug::TrustFooter => |stage| bits(stage, "segments/"),
        Bug::TrustJournalEnd => zeros,
        _ => return None,
    };
    stages().ok()?.iter().find_map(|stage| search(stage, &damages(stage), bug, seed))
}

/// Every bit of the small set in a folder.
fn bits(stage: &Stage, folder: &str) -> Vec<Damage> {
    small_damages(stage).filter(|damage| damage.place().file.starts_with(folder)).collect()
}

/// Each run of pages of the journal, zeroed.
fn zeros(stage: &Stage) -> Vec<Damage> {
    let files = stage.scene.bytes.iter().filter(|(name, _)| name.starts_with("journal/"));
    let runs = files.flat_map(|(name, bytes)| {
        let end = bytes.len() as u64;
        (0..end / PAGE_BYTES).flat_map(move |page| {
            let start = page * PAGE_BYTES;
            let ends = (1..=PAGES_MAX).map(move |pages| (start + pages * PAGE_BYTES).min(end));
            ends.map(move |end| Damage::Zeroed(Extent { file: name.clone(), range: start..end }))
        })
    });
    runs.filter(|damage| damage.changes(&stage.scene)).collect()
}

fn search(stage: &Stage, all: &[Damage], bug: Bug, seed: u64) -> Option<String> {
    // Spread over the files: neighbours tell much the same.
    let stride = all.len().div_ceil(STATES_MAX).max(1);
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
