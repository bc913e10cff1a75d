//! Every workload runs, next to nothing of it, against a server that is this program again.

#![allow(clippy::unwrap_used, reason = "a test that goes wrong stops there")]

use std::ffi::OsString;

use clap::Parser;
use flowstone_bench::machine::Machine;
use flowstone_bench::plan::{chosen, run};
use flowstone_bench::report::{Report, plot};
use flowstone_bench::scale::Scale;
use flowstone_bench::workload::ALL;
use flowstone_bench::workload::bench::Bench;
use flowstone_server::config::{Config, Flags};
use flowstone_server::server::Server;
use tokio::sync::watch;

/// An address that nobody listens on.
const NOBODY: &str = "127.0.0.1:1";

fn main() {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    if arguments.iter().any(|argument| argument == "--data-dir") {
        serve(arguments);
    } else {
        every_workload_says_something();
    }
}

/// Serves until it is killed.
fn serve(arguments: Vec<OsString>) {
    let config = Config::resolve(Flags::try_parse_from(arguments).unwrap()).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async move {
        let server = Server::open(&config).await.unwrap();
        let (_stop, stopping) = watch::channel(false);
        server.serve(stopping).await.unwrap();
    });
}

fn every_workload_says_something() {
    let scratch = tempfile::tempdir().unwrap();
    let machine = Machine::this(scratch.path());
    let scale = Scale::Tiny;
    let program = std::env::current_exe().unwrap();
    let mut bench = Bench::new(program, scratch.path(), scale, |_| ()).unwrap();
    bench.endpoint = Some(NOBODY.parse().unwrap());
    let names: Vec<_> = ALL.iter().map(|workload| workload.name.to_owned()).collect();
    let workloads = chosen(&names).unwrap();
    assert!(chosen(&[]).unwrap().iter().all(|workload| workload.name != "soak"));
    let outcome = run(&bench, &workloads, scale.rounds(), &mut |_, _| ()).unwrap();
    let report = Report::of(machine, bench.cores.is_shared, &outcome);
    for workload in workloads {
        let is_there = report.figures.iter().any(|figure| figure.what.workload == workload.name);
        let needs_others = workload.name.starts_with("peers");
        assert!(is_there || needs_others, "{} says nothing", workload.name);
    }
    assert!(report.missing.iter().any(|missing| missing.starts_with(NOBODY)));
    let odd = report.figures.iter().find(|figure| !figure.ours.is_finite());
    assert!(odd.is_none(), "{odd:?}");
    let table = report.markdown();
    assert_eq!(table.lines().filter(|line| line.starts_with("| batches |")).count(), 6, "{table}");
    let file = scratch.path().join("loads.svg");
    plot(&report, &file).unwrap();
    let drawn = std::fs::read_to_string(file).unwrap();
    assert!(drawn.contains("</svg>") && drawn.contains("batches x4"));
    assert!(chosen(&["nothing".to_owned()]).is_err());
}
