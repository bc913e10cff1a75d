//! Base64: `tests/src/fuzz/blob.rs`.
#![no_main]

flowstone_fuzz::fuzz!(blob);
