//! `flowstone-kill-loop`: kills the real server under load, again and again, and looks for what it
//! acknowledged.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Parser;
use flowstone_crashlab::kill::rounds::{Outcome, Plan, Plant, run};
use flowstone_crashlab::kinesis::Failure;
use flowstone_crashlab::server::{Setup, find_binary};

/// Kills the real server under load, again and again, and looks for what it acknowledged.
///
/// Several writers put records to several streams through HTTP, one of which is split, merged and
/// scaled meanwhile, and one of which has a queue with consumers. At a random moment the server gets
/// SIGKILL (now and then SIGTERM), is started again on the same directory, and everything is read
/// back, parents before children: nothing that was acknowledged may be lost, doubled, reordered or
/// changed. The queue must never deliver what it was told and has confirmed to be done with, and at
/// the end must have delivered everything else.
///
/// Ends with status 0 when all is well, 1 when not, 2 when it could not run. With --plant-loss it
/// destroys acknowledged records itself, with --plant-acknowledgement it claims one that the queue
/// was never sent, and ends with 0 only if that was noticed.
#[derive(Parser)]
#[command(name = "flowstone-kill-loop")]
struct Arguments {
    /// How often to kill and restart.
    #[arg(long, default_value_t = 50)]
    rounds: u64,
    /// Writers at once.
    #[arg(long, default_value_t = 8)]
    writers: u32,
    /// What the random moments follow from; printed, so that a run can be tried again.
    #[arg(long)]
    seed: Option<u64>,
    /// Bytes of the server's journal files: small ones roll and seal often.
    #[arg(long, default_value_t = 1 << 20)]
    journal_file_bytes: usize,
    /// The server; by default FLOWSTONE_BIN, or the one built beside this program.
    #[arg(long)]
    server: Option<PathBuf>,
    /// Where to put data directory and log; by default a temporary directory.
    #[arg(long)]
    directory: Option<PathBuf>,
    /// After the last kill, zero a frame of acknowledged records: this must be noticed.
    #[arg(long)]
    plant_loss: bool,
    /// After the last kill, claim that the queue confirmed an acknowledgement that it was never
    /// sent: this must be noticed.
    #[arg(long, conflicts_with = "plant_loss")]
    plant_acknowledgement: bool,
}

impl Arguments {
    fn plant(&self) -> Option<Plant> {
        match (self.plant_loss, self.plant_acknowledgement) {
            (true, _) => Some(Plant::Loss),
            (false, true) => Some(Plant::Acknowledgement),
            (false, false) => None,
        }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut out = std::io::stdout();
    let is_planted = arguments.plant().is_some();
    let outcome = match start(arguments, &mut out) {
        Ok(outcome) => outcome,
        Err(failure) => {
            // Whoever does not read what this says still gets the status.
            let _ = writeln!(out, "could not run: {failure}");
            return ExitCode::from(2);
        }
    };
    let is_noticed = !outcome.failures.is_empty();
    match print(&outcome, &mut out) {
        Ok(()) => ExitCode::from(u8::from(is_noticed != is_planted)),
        Err(_) => ExitCode::from(2),
    }
}

fn print(outcome: &Outcome, out: &mut dyn Write) -> std::io::Result<()> {
    for failure in &outcome.failures {
        writeln!(out, "FOUND {failure}")?;
    }
    writeln!(
        out,
        "{} kills, {} stops, {} records acknowledged, {} read back, {} reshards, {} deliveries of \
         a queue, {} records acknowledged to it, {} findings",
        outcome.kills,
        outcome.stops,
        outcome.acknowledged,
        outcome.read,
        outcome.changes,
        outcome.delivered,
        outcome.done,
        outcome.failures.len()
    )
}

fn start(arguments: Arguments, out: &mut dyn Write) -> Result<Outcome, Failure> {
    let plant = arguments.plant();
    let seed = arguments.seed.unwrap_or_else(fresh_seed);
    let temporary = tempfile::TempDir::new()?;
    let directory = arguments.directory.unwrap_or_else(|| temporary.path().to_owned());
    std::fs::create_dir_all(&directory)?;
    let setup = Setup {
        binary: arguments.server.map_or_else(find_binary, Ok)?,
        data: directory.join("data"),
        log: directory.join("server.log"),
        journal_file_bytes: arguments.journal_file_bytes,
    };
    let plan = Plan { rounds: arguments.rounds, writers: arguments.writers, seed, plant };
    writeln!(out, "seed={seed} rounds={} writers={}", plan.rounds, plan.writers)?;
    run(&plan, &setup, out)
}

#[expect(clippy::disallowed_methods, reason = "a seed that nobody named is taken from the time")]
fn fresh_seed() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::from(since.subsec_nanos()) ^ since.as_secs() << 20
}
