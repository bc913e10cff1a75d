//! The store under test: a program that speaks the lab's line protocol.
//!
//! The lab calls `<program> [arguments] <data directory>` and talks to it over standard input and
//! output, a line at a time; standard error goes to a log. A store holds one log or several, each an
//! ordered list of records.
//!
//! ```text
//!   store -> lab   damaged TEXT              before `ready`, any number: it knows of damage
//!   store -> lab   ready [logs=N]            open, recovered, N logs (1)
//!   lab -> store   append LOG NUMBER DATA    LOG from 0; NUMBERs grow; DATA: ASCII without spaces
//!   store -> lab   ack NUMBER                the record is kept, whatever happens next
//!   store -> lab   fail NUMBER TEXT          it is not, or nobody knows
//!   lab -> store   dump
//!   store -> lab   record LOG DATA           every record, each log in its order
//!   store -> lab   corrupt LOG TEXT          what is missing here is known to be damaged
//!   store -> lab   end                       that was all
//!   lab -> store   stop
//!   store -> lab   stopped                   and it ends with status 0
//! ```
//!
//! Appends come without waiting for the answers to those before; answers may come in any order. At
//! the end of its standard input a store ends at once, as if it had been killed.
//!
//! | file         | owns |
//! |--------------|------|
//! | `record.rs`  | records whose every byte follows from their number |
//! | `ledger.rs`  | what was sent, what was acknowledged, and the verdict on a dump |
//! | `process.rs` | a running store and the talk with it |
//! | `load.rs`    | appends, many at a time |
//! | `own.rs`     | the protocol spoken by Flowstone's engine |
//!
//! **Invariant** no record is sent twice, and what was not acknowledged is never held against a
//! store, unless it was seen once and is gone, or was gone once and comes back.

mod ledger;
mod load;
pub mod own;
mod process;
mod record;

#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

pub use ledger::{Dump, Ledger, Mark};
pub use load::{Ended, Load};
pub use process::{Failure, Store};

/// Which store is under test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Flowstone's own: its engine, and where a back end wants one, its server.
    Own {
        /// The lab's binary, which speaks the protocol as `flowstone-crashlab target`.
        binary: PathBuf,
        /// What that is called with besides: a planted bug, a number of logs.
        arguments: Vec<String>,
    },
    /// A program that speaks the protocol.
    Command {
        /// The program.
        program: PathBuf,
        /// What it is called with, before the data directory.
        arguments: Vec<String>,
    },
}

impl Target {
    /// Flowstone's own, spoken for by the running binary.
    pub fn own() -> std::io::Result<Target> {
        Ok(Target::Own { binary: std::env::current_exe()?, arguments: Vec::new() })
    }

    /// What `text` names: `self`, or `cmd:` with a program and its arguments, split at blanks.
    pub fn parse(text: &str) -> Result<Target, String> {
        if text == "self" {
            return Target::own().map_err(|error| format!("own binary cannot be found: {error}"));
        }
        let words = text.strip_prefix("cmd:").map(|words| words.split_whitespace());
        let mut words = words.ok_or("a target is `self` or `cmd:<program> [arguments]`")?;
        let program = words.next().ok_or("`cmd:` is followed by a program")?;
        let arguments = words.map(ToOwned::to_owned).collect();
        Ok(Target::Command { program: program.into(), arguments })
    }

    /// Whether this is Flowstone itself: what only it can do can be asked for.
    #[must_use]
    pub const fn is_own(&self) -> bool {
        matches!(self, Target::Own { .. })
    }

    /// The same store, started by `program` with `arguments` before its own command line.
    #[must_use]
    pub fn under(&self, program: &str, arguments: &[String]) -> Target {
        let mut all = arguments.to_vec();
        match self {
            Target::Own { binary, .. } => {
                all.extend([binary.display().to_string(), "target".to_owned()]);
            }
            Target::Command { program, .. } => all.push(program.display().to_string()),
        }
        let (Target::Own { arguments, .. } | Target::Command { arguments, .. }) = self;
        all.extend(arguments.iter().cloned());
        Target::Command { program: program.into(), arguments: all }
    }

    /// The program and its arguments for a store in `data`.
    #[must_use]
    pub fn command_line(&self, data: &Path) -> (PathBuf, Vec<OsString>) {
        let (program, mut all) = match self {
            Target::Own { binary, .. } => (binary, vec![OsString::from("target")]),
            Target::Command { program, .. } => (program, Vec::new()),
        };
        let (Target::Own { arguments, .. } | Target::Command { arguments, .. }) = self;
        all.extend(arguments.iter().map(OsString::from));
        all.push(data.into());
        (program.clone(), all)
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let arguments = match self {
            Target::Own { arguments, .. } => {
                f.write_str("self")?;
                arguments
            }
            Target::Command { program, arguments } => {
                write!(f, "cmd:{}", program.display())?;
                arguments
            }
        };
        arguments.iter().try_for_each(|argument| write!(f, " {argument}"))
    }
}
