//! Every fuzz target over its seeds and deterministic mutations of them, on the stable toolchain.
//!
//! `FLOWSTONE_FUZZ_EXECUTIONS` is the number of executions of all targets together, `FLOWSTONE_SEED`
//! what the mutations follow from; `FLOWSTONE_FUZZ_REPLAY=target:hex` runs one input instead.
#![allow(clippy::print_stdout, reason = "what was run is part of the result")]
#![allow(clippy::unwrap_used, reason = "a test's helpers panic as its assertions do")]

use flowstone_crashlab::fuzz::{TARGETS, runner, target};

/// Executions of all targets together: below 40 s on two cores.
const EXECUTIONS_DEFAULT: u64 = 1_000_000;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn survives(name: &str) {
    let target = target(name).unwrap();
    if let Ok(replay) = std::env::var("FLOWSTONE_FUZZ_REPLAY") {
        if let Some(hex) = replay.strip_prefix(&format!("{name}:")) {
            runner::execute(target, &runner::unhex(hex).unwrap()).unwrap();
        }
        return;
    }
    let seed = setting("FLOWSTONE_SEED", 1);
    let all = setting("FLOWSTONE_FUZZ_EXECUTIONS", EXECUTIONS_DEFAULT);
    let executions = (all * u64::from(target.share) / 1000).max(1);
    println!("{name}: seed {seed}, {executions} executions");
    if let Err(hex) = runner::run(target, seed, executions) {
        panic!("replay with FLOWSTONE_FUZZ_REPLAY={name}:{hex}");
    }
}

macro_rules! targets {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            survives(stringify!($name));
        })*

        #[test]
        fn every_target_is_run_here() {
            let names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
            assert_eq!(names, [$(stringify!($name)),*]);
            assert_eq!(TARGETS.iter().map(|target| target.share).sum::<u32>(), 1000);
        }
    };
}

targets! {
    frame journal_header journal_file segment catalog_file catalog_rows recovery request cbor event_stream value blob
    credentials token queue_event number config
}
