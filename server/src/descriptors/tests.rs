//! Tests of how connections fit into descriptors.

use super::*;

#[test]
fn connections_leave_descriptors_for_the_engine() {
    assert_eq!(fitting(None, 10), 10);
    assert_eq!(fitting(Some(20_000), 16_384), 16_384);
    assert_eq!(fitting(Some(10_000), 16_384), 10_000 - 1024);
    assert_eq!(fitting(Some(256), 16_384), 128);
    assert_eq!(fitting(Some(0), 16_384), 1);
}
