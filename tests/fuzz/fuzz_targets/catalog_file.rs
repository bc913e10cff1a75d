//! The catalog's file: `tests/src/fuzz/catalog_file.rs`.
#![no_main]

flowstone_fuzz::fuzz!(catalog_file);
