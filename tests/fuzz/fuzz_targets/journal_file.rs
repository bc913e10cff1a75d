//! Whole journal files: `tests/src/fuzz/journal_file.rs`.
#![no_main]

flowstone_fuzz::fuzz!(journal_file);
