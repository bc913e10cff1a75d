//! Documents and constraints: `tests/src/fuzz/value.rs`.
#![no_main]

flowstone_fuzz::fuzz!(value);
