//! `flowstone-crashlab`: makes machines fail under a store, and checks what it kept.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};
use flowstone_crashlab::backend::{BackEnd, Lab};
use flowstone_crashlab::plan::{BUILT_IN, Plan};
use flowstone_crashlab::planted::{self, Caught, Planted};
use flowstone_crashlab::record::Keeper;
use flowstone_crashlab::report::{Verdict, grouped};
use flowstone_crashlab::run::{How, Outcome, Part, run};
use flowstone_crashlab::target::{Target, own};
use flowstone_crashlab::verdict::Finding;
use flowstone_engine::io::Backend;
use flowstone_engine::planted::plant_everywhere;

/// Many small allocations, on several threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Of how a bug was caught, this much is shown.
const SHOWN_CHARS_MAX: usize = 160;

/// Makes machines fail under a store, and checks what the store kept.
///
/// Each back end is one way in which machines fail. A store is Flowstone itself, or any program
/// that speaks the lab's line protocol (tools/crashlab/README.md).
///
/// Examples:
///
///   flowstone-crashlab run --quick
///
///   flowstone-crashlab run --plan plan.toml --target "cmd:python3 adapters/sqlite.py"
///
///   flowstone-crashlab run --plan long --record record.json --minutes 60
///
///   flowstone-crashlab back-ends
#[derive(Parser)]
#[command(name = "flowstone-crashlab", version, verbatim_doc_comment)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs a plan, and prints the verdict.
    ///
    /// Ends with status 0 when no promise was broken, 1 when one was, 2 when it could not run.
    Run(Run),
    /// Says which back ends this machine can do, and why not the others.
    BackEnds,
    /// Prints a plan that is built in: a beginning for your own.
    Plan {
        /// Its name.
        #[arg(default_value = "quick")]
        name: String,
    },
    /// Plants bugs, and prints what caught each. Ends with status 1 when one was not caught.
    Planted {
        /// Only bugs whose name contains this.
        #[arg(default_value = "")]
        name: String,
    },
    /// Flowstone's engine, spoken to by the lab's line protocol over standard input and output.
    Target(Own),
}

#[derive(clap::Args)]
struct Run {
    /// A plan file, or the name of a plan that is built in: quick, ci, long.
    #[arg(long, default_value = "quick")]
    plan: String,
    /// The plan that ends within a minute; the same as `--plan quick`.
    #[arg(long, conflicts_with = "plan")]
    quick: bool,
    /// The store: `self`, or `cmd:<program> [arguments]`.
    #[arg(long, default_value = "self")]
    target: String,
    /// Only these back ends.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// What everything random follows from. Printed, so that a run can be tried again.
    #[arg(long)]
    seed: Option<u64>,
    /// Threads.
    #[arg(long)]
    jobs: Option<usize>,
    /// Stop after so many minutes. What was done is kept in the record.
    #[arg(long)]
    minutes: Option<u64>,
    /// Keep how far it got in this file, and go on from there.
    #[arg(long)]
    record: Option<PathBuf>,
    /// First run the units of the record's findings again: those that break no promise any more are
    /// noted as mended. Of back ends in which chance decides, such as `kill`, findings stay. Use the
    /// plan that the findings are of: it decides what a unit is.
    #[arg(long, requires = "record")]
    again: bool,
    /// Where to put images, logs and data; by default the system's folder for temporary files.
    #[arg(long)]
    scratch: Option<PathBuf>,
    /// Print the verdict as one JSON object.
    #[arg(long)]
    json: bool,
    /// Also write the verdict as Markdown into this file.
    #[arg(long)]
    markdown: Option<PathBuf>,
    /// Plant a bug in Flowstone's engine, to see that it is caught.
    #[arg(long)]
    plant: Option<String>,
    /// A skipped back end counts as a failure.
    #[arg(long)]
    no_skips: bool,
}

#[derive(clap::Args)]
struct Own {
    /// The data directory.
    directory: PathBuf,
    /// Logs of a new store.
    #[arg(long, default_value_t = 3)]
    logs: usize,
    /// Bytes of a journal file.
    #[arg(long, default_value_t = 1 << 20)]
    journal_file_bytes: usize,
    /// How long the logs of a new store keep their records.
    #[arg(long, default_value_t = own::RETENTION_MS)]
    retention_ms: u64,
    /// How commits are written.
    #[arg(long, value_enum, default_value_t)]
    disk: DiskChoice,
    /// Plant a bug.
    #[arg(long)]
    plant: Option<String>,
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum DiskChoice {
    /// io_uring where the machine allows it.
    #[default]
    Auto,
    /// io_uring, or not at all.
    Uring,
    /// Threads.
    Portable,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Run(run) => run_plan(&run),
        Command::BackEnds => back_ends(),
        Command::Plan { name } => print_plan(&name),
        Command::Planted { name } => catch_planted(&name),
        Command::Target(own) => serve(&own),
    };
    done.unwrap_or_else(|error| {
        // When standard error is gone too, the status still tells.
        let _ = writeln!(io::stderr(), "flowstone-crashlab: {error}");
        ExitCode::from(2)
    })
}

fn run_plan(arguments: &Run) -> io::Result<ExitCode> {
    let name = if arguments.quick { "quick" } else { &arguments.plan };
    let plan = match Plan::built_in(name) {
        Some(text) => Plan::parse(text),
        None => Plan::parse(&read(Path::new(name))?),
    };
    let plan = plan.map_err(|error| io::Error::other(format!("plan `{name}`: {error}")))?;
    let target = target(&arguments.target, arguments.plant.as_deref())?;
    let keeper = Keeper::open(
        arguments.record.as_deref(),
        arguments.seed.or(plan.seed),
        &target.to_string(),
    )?;
    let before = keeper.record();
    let in_folder = |folder: &PathBuf| {
        fs::create_dir_all(folder)?;
        tempfile::TempDir::with_prefix_in("crashlab-", folder)
    };
    let scratch = arguments
        .scratch
        .as_ref()
        .map_or_else(|| tempfile::TempDir::with_prefix("crashlab-"), in_folder)?;
    let lab = Lab { target, seed: before.seed, scratch: scratch.path().to_owned() };
    let stop = stop_on_ctrl_c()?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let how = How {
        jobs: arguments.jobs.or(plan.jobs).unwrap_or(cores),
        again: arguments.again,
        time_max: arguments.minutes.map(|minutes| Duration::from_secs(60 * minutes)),
        stop,
    };
    tell(&format!("target {}, seed {}", lab.target, lab.seed));
    let is_wanted = |back_end: &&dyn BackEnd| {
        arguments.only.is_empty() || arguments.only.iter().any(|name| name == back_end.name())
    };
    let chosen: Vec<_> = plan.back_ends().into_iter().filter(is_wanted).collect();
    if chosen.is_empty() {
        return Err(io::Error::other("the plan has no such back end: see `back-ends`"));
    }
    let told = AtomicUsize::new(0);
    let parts = run(&chosen, &lab, &how, &before.parts, &|part, is_over| {
        let findings = &part.tally.findings;
        let before = told.swap(if is_over { 0 } else { findings.len() }, Ordering::SeqCst);
        for Finding { broken, what, replay, .. } in findings.iter().skip(before) {
            tell(&format!("{}: {}: {what} ({replay})", part.back_end, broken.name()));
        }
        tell(&progress(part, is_over));
        keeper.keep(part)
    })?;
    let verdict = Verdict::of(lab.target.to_string(), lab.seed, parts);
    let markdown = verdict.markdown();
    if let Some(file) = &arguments.markdown {
        fs::write(file, &markdown)?;
    }
    let mut out = io::stdout();
    if arguments.json {
        serde_json::to_writer_pretty(&mut out, &verdict)?;
        writeln!(out)?;
    } else {
        write!(out, "{markdown}")?;
    }
    let is_skipped = verdict.parts.iter().any(|part| part.outcome == Outcome::Skipped);
    let is_good = verdict.is_kept && !(is_skipped && arguments.no_skips);
    if !verdict.is_kept {
        tell(&format!("logs and data are kept in {}", scratch.keep().display()));
    }
    Ok(ExitCode::from(u8::from(!is_good)))
}

fn target(text: &str, plant: Option<&str>) -> io::Result<Target> {
    let mut target = Target::parse(text).map_err(io::Error::other)?;
    if let (Target::Own { arguments, .. }, Some(bug)) = (&mut target, plant) {
        arguments.extend(["--plant".to_owned(), bug.to_owned()]);
    }
    Ok(target)
}

fn progress(part: &Part, is_over: bool) -> String {
    let Part { back_end, tally, .. } = part;
    if let Some(reason) = &part.reason {
        return format!("{back_end}: skipped: {reason}");
    }
    format!(
        "{back_end}: {}{} states, {} findings, {:.0} s{}",
        grouped(tally.states),
        if part.wanted == u64::MAX {
            String::new()
        } else {
            format!(" of {}", grouped(part.wanted))
        },
        tally.broken_in_all(),
        part.seconds,
        if is_over { ", done" } else { "" }
    )
}

/// Says something on standard error.
fn tell(text: &str) {
    // Nobody reads it: the work goes on.
    let _ = writeln!(io::stderr(), "{text}");
}

/// Set once somebody asks the lab to stop. Asked again, it ends at once.
fn stop_on_ctrl_c() -> io::Result<&'static AtomicBool> {
    static STOP: AtomicBool = AtomicBool::new(false);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    std::thread::Builder::new().name("stop".to_owned()).spawn(move || {
        runtime.block_on(async {
            while tokio::signal::ctrl_c().await.is_ok() {
                if STOP.swap(true, Ordering::SeqCst) {
                    std::process::exit(2);
                }
                tell("stopping: what is begun is finished first");
            }
        });
    })?;
    Ok(&STOP)
}

fn back_ends() -> io::Result<ExitCode> {
    let target = Target::own()?;
    let lab = Lab { target, seed: 0, scratch: std::env::temp_dir() };
    let plan = Plan::with_all();
    let mut out = io::stdout();
    for back_end in plan.back_ends() {
        match back_end.detect(&lab) {
            Ok(()) => writeln!(out, "{}: can be run here", back_end.name())?,
            Err(reason) => writeln!(out, "{}: cannot: {reason}", back_end.name())?,
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn catch_planted(name: &str) -> io::Result<ExitCode> {
    let scratch = tempfile::TempDir::with_prefix("crashlab-")?;
    let lab = Lab { target: Target::own()?, seed: 1, scratch: scratch.path().to_owned() };
    let mut out = io::stdout();
    writeln!(out, "| planted bug | what it does | must be caught by | how |\n|---|---|---|---|")?;
    let (mut caught, mut missed, mut skipped) = (0, 0, 0);
    for planted in planted::all().iter().filter(|planted| planted.bug.contains(name)) {
        let how = match (planted.catch)(&lab)? {
            Caught::Yes(how) => {
                caught += 1;
                how
            }
            Caught::No => {
                missed += 1;
                "**not caught**".to_owned()
            }
            Caught::Skipped(reason) => {
                skipped += 1;
                format!("skipped: {reason}")
            }
        };
        let how: String = how.chars().take(SHOWN_CHARS_MAX).collect();
        let Planted { bug, what, caught_by, .. } = planted;
        writeln!(out, "| `{bug}` | {what} | {caught_by} | {} |", how.replace('|', "/"))?;
    }
    writeln!(out, "\n{caught} caught, {missed} not caught, {skipped} skipped")?;
    Ok(ExitCode::from(u8::from(missed > 0)))
}

fn print_plan(name: &str) -> io::Result<ExitCode> {
    let names = BUILT_IN.map(|(name, _)| name).join(", ");
    let unknown = || io::Error::other(format!("no such plan is built in: {names}"));
    write!(io::stdout(), "{}", Plan::built_in(name).ok_or_else(unknown)?)?;
    Ok(ExitCode::SUCCESS)
}

fn serve(arguments: &Own) -> io::Result<ExitCode> {
    if let Some(name) = &arguments.plant {
        let bug = name.parse().map_err(io::Error::other)?;
        plant_everywhere(bug);
    }
    let settings = own::Settings {
        logs: arguments.logs,
        journal_file_bytes: arguments.journal_file_bytes,
        retention_ms: arguments.retention_ms,
        backend: match arguments.disk {
            DiskChoice::Auto => Backend::Auto,
            DiskChoice::Uring => Backend::Uring,
            DiskChoice::Portable => Backend::Portable,
        },
    };
    own::serve(&arguments.directory, &settings, io::stdin().lock(), io::stdout())
        .map_err(|error| io::Error::other(error.to_string()))?;
    Ok(ExitCode::SUCCESS)
}

fn read(file: &Path) -> io::Result<String> {
    fs::read_to_string(file).map_err(|error| {
        io::Error::new(error.kind(), format!("plan `{}`: {error}", file.display()))
    })
}
