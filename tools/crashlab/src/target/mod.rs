//! The store under test: a program that speaks the lab's line protocol.

use std::path::PathBuf;

/// Which store is under test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Flowstone's own: its engine, and where a back end wants one, its server.
    Own,
    /// A program that speaks the line protocol, with its arguments.
    Command {
        /// The program.
        program: PathBuf,
        /// What it is called with, before the data directory.
        arguments: Vec<String>,
    },
}
