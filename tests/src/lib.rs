//! Whole-system tests of Flowstone.
//!
//! | module    | owns |
//! |-----------|------|
//! | `model`   | what the server says of its own operations |
//!
//! `tests/` holds what `cargo test` runs by itself: sweeps of the crash lab (`tools/crashlab`), its
//! fuzz targets, house style. `interop/` holds the sessions of real clients.

pub mod model;
