//! Operator tools for Flowstone data directories.
