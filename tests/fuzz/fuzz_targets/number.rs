//! Sequence numbers, shard ids, hash keys: `tests/src/fuzz/number.rs`.
#![no_main]

flowstone_fuzz::fuzz!(number);
