//! `flowstone-inspect`: looks into a data directory.

use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use flowstone_engine::error::Result;
use flowstone_engine::types::{SeqNo, ShardId};
use flowstone_tools::directory::Directory;
use flowstone_tools::dump::{Selection, dump};
use flowstone_tools::list::list;
use flowstone_tools::verify::{print, verify};

/// Looks into a Flowstone data directory: what there is, what the records are, what is damaged.
///
/// Nothing in the directory is changed. Look at the directory of a stopped server, or at a copy of
/// a running one's: while a server runs, what is read here may be half of something.
///
/// Examples:
///
///   flowstone-inspect list flowstone-data
///
///   flowstone-inspect dump flowstone-data --shard 3 --from 1000 --limit 10
///
///   flowstone-inspect verify flowstone-data --json
#[derive(Parser)]
#[command(name = "flowstone-inspect", version, verbatim_doc_comment)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Lists shards, segments and journal files.
    List {
        /// The data directory.
        directory: PathBuf,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Prints the records of one shard, from segments and journal, one JSON object a line.
    Dump {
        /// The data directory.
        directory: PathBuf,
        /// The shard's number, as `list` says it.
        #[arg(long)]
        shard: u64,
        /// The first sequence number.
        #[arg(long, default_value_t = 0)]
        from: u64,
        /// Lines at most.
        #[arg(long, default_value_t = u64::MAX, hide_default_value = true)]
        limit: u64,
        /// Print frames, the units that are checked and written together, instead of records.
        #[arg(long)]
        frames: bool,
        /// Print text; long data is cut.
        #[arg(long)]
        text: bool,
    },
    /// Reads and checks everything: every frame of the journal, every block of every segment.
    ///
    /// Ends with status 0 when nothing is damaged, 1 when something is, 2 when it could not look.
    Verify {
        /// The data directory.
        directory: PathBuf,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
}

fn main() -> ExitCode {
    let command = Arguments::parse().command;
    let mut out = BufWriter::new(std::io::stdout().lock());
    let done = run(command, &mut out);
    let flushed = out.flush();
    match (done, flushed) {
        (Ok(status), Ok(())) => status,
        (Ok(_), Err(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        (Ok(_), Err(error)) => complain(&error),
        (Err(error), _) => complain(&error),
    }
}

fn complain(error: &dyn std::error::Error) -> ExitCode {
    // When standard error is gone too, the status still tells.
    let _ = writeln!(std::io::stderr(), "flowstone-inspect: {error}");
    ExitCode::from(2)
}

fn run(command: Command, out: &mut dyn Write) -> Result<ExitCode> {
    match command {
        Command::List { directory, json } => {
            list(&Directory::open(&directory)?, json, out)?;
        }
        Command::Dump { directory, shard, from, limit, frames, text } => {
            let selection =
                Selection { shard: ShardId(shard), from: SeqNo(from), limit, frames, text };
            dump(&Directory::open(&directory)?, &selection, out)?;
        }
        Command::Verify { directory, json } => {
            let report = verify(&Directory::open(&directory)?)?;
            let printed = print(&report, json, out);
            printed.map_err(|error| flowstone_engine::error::Error::io("printing", error))?;
            return Ok(ExitCode::from(u8::from(!report.damages.is_empty())));
        }
    }
    Ok(ExitCode::SUCCESS)
}
