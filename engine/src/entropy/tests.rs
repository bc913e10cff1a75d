//! The operating system's generator: it does not repeat itself.

use super::*;

#[test]
fn the_operating_system_gives_other_bits_each_time() {
    let drawn: std::collections::BTreeSet<_> = (0..8).map(|_| SystemEntropy.bits()).collect();
    assert_eq!(drawn.len(), 8);
}
