//! `flowstone-operations`: the operations that the server knows, as a table or with their shapes.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use flowstone_tests::model::{document, table};

/// Prints the operations that the server knows: with their shapes as JSON, for a comparison with
/// the published service model, or as the table that DESIGN.md shows.
#[derive(Parser)]
#[command(name = "flowstone-operations")]
struct Arguments {
    /// The table of DESIGN.md instead of JSON.
    #[arg(long)]
    table: bool,
}

fn main() -> ExitCode {
    let text = if Arguments::parse().table { table() } else { document().to_string() };
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
