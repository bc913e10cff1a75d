//! CBOR inputs of every operation: `tests/src/fuzz/cbor.rs`.
#![no_main]

flowstone_fuzz::fuzz!(cbor);
