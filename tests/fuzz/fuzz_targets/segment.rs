//! Segments: `tests/src/fuzz/segment.rs`.
#![no_main]

flowstone_fuzz::fuzz!(segment);
