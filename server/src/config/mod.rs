//! What the server is told: flags, then environment, then file, then defaults.
//!
//! | file          | owns |
//! |---------------|------|
//! | `flags.rs`    | the command line and `FLOWSTONE_*`, and the help that teaches them |
//! | `file.rs`     | the TOML file |
//! | `resolve.rs`  | one `Config` out of both, checked |
//! | `limits.rs`   | none of the service's limits or all of them, and each by itself |
//! | `streams.rs`  | streams that should exist at the start |
//! | `defaults.rs` | every default and bound, named |
//!
//! **Invariant** a [`Config`] is right as a whole: whatever is wrong is said before anything opens.

pub mod defaults;
mod file;
mod flags;
mod limits;
mod resolve;
mod streams;

#[cfg(test)]
mod tests;

pub use file::ConfigFile;
pub use flags::{Flags, IoChoice, LogFormat};
pub use limits::{LimitsChoice, RatesEntry};
pub use resolve::{Config, ConfigError};
pub use streams::StreamEntry;
