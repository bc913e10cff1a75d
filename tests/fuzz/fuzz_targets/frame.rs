//! Frames and records: `tests/src/fuzz/frame.rs`.
#![no_main]

flowstone_fuzz::fuzz!(frame);
