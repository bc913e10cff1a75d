//! The configuration file: `tests/src/fuzz/config.rs`.
#![no_main]

flowstone_fuzz::fuzz!(config);
