//! Rows of the catalog: `tests/src/fuzz/catalog_rows.rs`.
#![no_main]

flowstone_fuzz::fuzz!(catalog_rows);
