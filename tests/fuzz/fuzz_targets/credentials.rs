//! Credentials: `tests/src/fuzz/credentials.rs`.
#![no_main]

flowstone_fuzz::fuzz!(credentials);
