//! `flowstone-bench`: measures Flowstone, other systems and the machine under them.

use std::io::{self, IsTerminal as _, Write as _};
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use flowstone_bench::machine::Machine;
use flowstone_bench::plan::{chosen, run};
use flowstone_bench::report::{Report, plot};
use flowstone_bench::scale::Scale;
use flowstone_bench::system::flowstone;
use flowstone_bench::workload::{ALL, bench::Bench};

/// Measures Flowstone, other systems and the machine under them, and prints each figure beside what
/// it is compared with.
///
/// The server gets one core, the load the others. Every round measures the machine too: appends and
/// flushes without any system, round trips, copies. Compare ratios, not figures of different days.
///
///   cargo build --release && target/release/flowstone-bench run --quick
#[derive(Parser)]
#[command(version, verbatim_doc_comment)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs workloads.
    Run(Run),
    /// Lists the workloads.
    Workloads,
}

#[derive(clap::Args)]
struct Run {
    /// Ends within two minutes.
    #[arg(long)]
    quick: bool,
    /// These workloads alone; see `workloads`.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Rounds, whose medians are reported.
    #[arg(long)]
    rounds: Option<usize>,
    /// Prints the report as JSON.
    #[arg(long)]
    json: bool,
    /// Draws the loads into this SVG file.
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// The server; otherwise FLOWSTONE_BIN, or `flowstone` beside this program.
    #[arg(long, value_name = "PROGRAM")]
    server: Option<PathBuf>,
    /// Another server that speaks Kinesis, over plain HTTP: `peers-slow` measures it too. It is given
    /// all that it takes, in a stream `bench` which is made for each load and deleted behind it.
    #[arg(long, env = "KINESIS_ENDPOINT", value_name = "HOST:PORT", value_parser = address)]
    endpoint: Option<SocketAddr>,
    /// Data directories are made in this folder: it should be on the disk that is to be measured.
    #[arg(long, value_name = "FOLDER", default_value = "target/bench-scratch")]
    scratch: PathBuf,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Run(arguments) => measure(&arguments),
        Command::Workloads => list(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&format!("flowstone-bench: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn list() -> io::Result<()> {
    let mut out = io::stdout().lock();
    ALL.iter().try_for_each(|workload| writeln!(out, "{:12} {}", workload.name, workload.about))
}

fn measure(arguments: &Run) -> io::Result<()> {
    let scale = if arguments.quick { Scale::Quick } else { Scale::Full };
    let workloads = chosen(&arguments.only)?;
    let program = arguments.server.clone().map_or_else(flowstone::program, Ok)?;
    std::fs::create_dir_all(&arguments.scratch)?;
    // Before this thread is given fewer cores.
    let machine = Machine::this(&arguments.scratch);
    let mut bench = Bench::new(program, &arguments.scratch, scale, tell)?;
    bench.endpoint = arguments.endpoint;
    let rounds = arguments.rounds.unwrap_or(scale.rounds()).max(1);
    let is_watched = io::stderr().is_terminal();
    let outcome = run(&bench, &workloads, rounds, &mut |round, workload| {
        let line =
            format!("round {} of {rounds}: {}: {}", round + 1, workload.name, workload.about);
        tell(&if is_watched { format!("\x1b[2m{line}\x1b[0m") } else { line });
    })?;
    let report = Report::of(machine, bench.cores.is_shared, &outcome);
    let mut out = io::stdout().lock();
    if arguments.json {
        serde_json::to_writer_pretty(&mut out, &report)?;
        writeln!(out)?;
    } else {
        write!(out, "{}", report.markdown())?;
    }
    arguments.plot.as_ref().map_or(Ok(()), |file| plot(&report, file))
}

/// The address of what is written as a host's name or number, and a port.
fn address(text: &str) -> io::Result<SocketAddr> {
    let mut addresses = text.to_socket_addrs()?;
    addresses.next().ok_or_else(|| io::Error::other("the host has no address"))
}

fn tell(line: &str) {
    // Whoever closed the error output does not want to know.
    let _ = writeln!(io::stderr().lock(), "{line}");
}
