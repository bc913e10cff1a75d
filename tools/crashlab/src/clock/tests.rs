//! That an engine which takes the wall clock at its word is caught.

use crate::clock::Settings;
use crate::trial::{findings, own};
use crate::verdict::Broken;

#[test]
fn expiring_by_the_wall_clock_is_caught() {
    let Some(target) = own(Some("TrustWallClock")) else { return };
    let Some(tally) = findings(&Settings::default(), target, 50) else { return };
    assert!(tally.broken.contains_key(&Broken::Lost), "{tally:?}");
}
