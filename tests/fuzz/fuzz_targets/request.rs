//! Requests of every operation: `tests/src/fuzz/request.rs`.
#![no_main]

flowstone_fuzz::fuzz!(request);
