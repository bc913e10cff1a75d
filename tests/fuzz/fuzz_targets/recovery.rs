//! Whole data directories: `tests/src/fuzz/recovery.rs`.
#![no_main]

flowstone_fuzz::fuzz!(recovery);
