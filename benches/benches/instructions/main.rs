//! Instructions that hot paths take, counted by valgrind: figures that no neighbour on the machine
//! disturbs, and so a ratchet.
//!
//! ```text
//!   cargo bench -p flowstone-benches --bench instructions              counts, and compares
//!   cargo bench -p flowstone-benches --bench instructions -- --write   counts, and makes that the bound
//! ```
//!
//! | file       | owns |
//! |------------|------|
//! | `paths.rs` | what is counted |
//! | `count.rs` | counting: this program again, under valgrind |
//! | `bound.rs` | `instructions.tsv`: what each path may take |
//!
//! As a test it walks each path once.

mod bound;
mod count;
mod paths;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

/// Counts the instructions of hot paths, and fails when one takes more than it may.
#[derive(Parser)]
struct Arguments {
    /// Makes what is counted the bound.
    #[arg(long)]
    write: bool,
    /// Cargo says this when it is to measure.
    #[arg(long)]
    bench: bool,
    /// Walks this path and ends: what is counted.
    #[arg(long, hide = true, requires = "times")]
    path: Option<String>,
    #[arg(long, hide = true)]
    times: Option<usize>,
}

fn main() -> ExitCode {
    // `cargo test` says other things, and they mean nothing here.
    let is_test = !std::env::args().any(|argument| argument == "--bench" || argument == "--path");
    let done = if is_test {
        paths::ALL.iter().try_for_each(|path| walk(path.name, 1))
    } else {
        measure(&Arguments::parse())
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "instructions: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: &Arguments) -> io::Result<()> {
    match &arguments.path {
        Some(name) => walk(name, arguments.times.unwrap_or(1)),
        None => compare(arguments.write),
    }
}

fn walk(name: &str, times: usize) -> io::Result<()> {
    let path = paths::ALL.iter().find(|path| path.name == name);
    let path = path.ok_or_else(|| io::Error::other(format!("there is no path `{name}`")))?;
    (path.walk)(times);
    Ok(())
}

/// Counts every path, and says how that compares with what it may take.
fn compare(is_written: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let mut counted = Vec::new();
    for path in paths::ALL {
        counted.push((path.name.to_owned(), count::instructions(path.name)?));
    }
    if is_written {
        return bound::write(&counted);
    }
    let bounds = bound::read()?;
    writeln!(out, "| path | instructions | bound | ratio |\n|---|---:|---:|---:|")?;
    let mut over = Vec::new();
    for (name, instructions) in &counted {
        let bound = bounds.iter().find(|(known, _)| known == name).map(|(_, bound)| *bound);
        let bound = bound.ok_or_else(|| {
            io::Error::other(format!("`{name}` has no bound: count again with --write"))
        })?;
        let ratio = bound::ratio(*instructions, bound);
        writeln!(out, "| {name} | {instructions} | {bound} | {ratio:.3} |")?;
        if ratio > bound::RATIO_MAX {
            over.push(name.as_str());
        }
    }
    if over.is_empty() {
        return Ok(());
    }
    let over = over.join(", ");
    Err(io::Error::other(format!("more instructions than the bound allows: {over}; see --help")))
}
