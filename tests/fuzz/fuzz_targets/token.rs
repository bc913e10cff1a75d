//! Iterators and listing tokens: `tests/src/fuzz/token.rs`.
#![no_main]

flowstone_fuzz::fuzz!(token);
