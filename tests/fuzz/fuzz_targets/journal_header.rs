//! Journal file headers: `tests/src/fuzz/journal_header.rs`.
#![no_main]

flowstone_fuzz::fuzz!(journal_header);
