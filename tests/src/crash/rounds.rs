//! One round after the other: load, kill or stop, restart, read back, check.

use std::io::{self, Write};

use crate::crash::check::{Finding, ReadBack, check};
use crate::crash::ledger::Ledger;
use crate::crash::load::Load;
use crate::crash::plant::zero_a_frame;
use crate::crash::readback::read_on;
use crate::kinesis::{Client, Failure};
use crate::random::Random;
use crate::server::{Server, Setup};

/// Streams and their shards.
const STREAMS: [(&str, usize); 3] = [("one", 1), ("four", 4), ("eight", 8)];
/// Every so many rounds the server is asked to stop instead of killed.
const STOP_EVERY: u64 = 7;
/// Every so many rounds everything is read back from the beginning.
const READ_ALL_EVERY: u64 = 10;
/// A round ends when a random number of records below this was acknowledged.
const ROUND_RECORDS_MAX: u64 = 8000;
/// Describe calls until a new stream must be active.
const ACTIVE_CALLS_MAX: usize = 10_000;
/// Findings that are printed.
const FINDINGS_PRINTED_MAX: usize = 20;

/// What to run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How many rounds.
    pub rounds: u64,
    /// Writers at once.
    pub writers: u32,
    /// What the random moments follow from.
    pub seed: u64,
    /// Whether to destroy acknowledged records after the last kill.
    pub plant_loss: bool,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Records acknowledged.
    pub acknowledged: usize,
    /// Records read back.
    pub read: usize,
    /// Kills by SIGKILL.
    pub kills: u64,
    /// Stops by SIGTERM.
    pub stops: u64,
    /// What must not be. Empty when all is well.
    pub failures: Vec<String>,
}

/// Runs `plan`. An error means that it could not be run; failures are in the outcome.
pub fn run(plan: &Plan, setup: &Setup, out: &mut dyn Write) -> Result<Outcome, Failure> {
    let mut random = Random::new(plan.seed);
    let streams = STREAMS.map(|(name, _)| name.to_owned());
    let (mut ledger, mut read) = (Ledger::default(), ReadBack::new());
    let mut outcome = Outcome::default();
    let mut server = Server::start(setup)?;
    make_streams(&mut Client::new(server.address()))?;

    for round in 1..=plan.rounds {
        let is_last = round == plan.rounds;
        let load = Load::start(server.address(), &streams, plan.writers, &ledger, &mut random);
        let target = 1 + random.below(ROUND_RECORDS_MAX);
        if !load.wait_for(target) {
            outcome.failures.push(format!("round {round}: writers got stuck or were refused"));
        }
        let is_stop = round % STOP_EVERY == 0 && !(plan.plant_loss && is_last);
        if is_stop {
            outcome.stops += 1;
            let status = server.stop()?;
            if !status.success() {
                outcome.failures.push(format!("round {round}: SIGTERM ended in {status}"));
            }
        } else {
            outcome.kills += 1;
            server.kill()?;
        }
        let refusals = load.finish(&mut ledger);
        if !is_stop {
            let refusals = refusals.iter().map(|refusal| format!("round {round}: {refusal}"));
            outcome.failures.extend(refusals);
        }
        if plan.plant_loss && is_last {
            let planted = zero_a_frame(&setup.data)?;
            writeln!(out, "planted a loss: {planted:?}")?;
        }

        if round % READ_ALL_EVERY == 0 || is_last {
            read = ReadBack::new();
        }
        let restarted = Server::start(setup).map_err(Failure::from).and_then(|server| {
            read_on(&mut Client::new(server.address()), &streams, &mut read)?;
            Ok(server)
        });
        server = match restarted {
            Ok(server) => server,
            // A server that refuses to serve destroyed records has noticed them.
            Err(failure) => {
                outcome.failures.push(format!("round {round}: restart or read back: {failure}"));
                break;
            }
        };
        let findings = check(&ledger, &read);
        outcome.acknowledged = ledger.acknowledged.len();
        outcome.read = read.values().map(Vec::len).sum();
        writeln!(
            out,
            "round {round}/{}: {} acknowledged={} read={} findings={}",
            plan.rounds,
            if is_stop { "stopped" } else { "killed" },
            outcome.acknowledged,
            outcome.read,
            findings.len()
        )?;
        report(round, &findings, &mut outcome);
        if !outcome.failures.is_empty() {
            break;
        }
    }
    Ok(outcome)
}

fn report(round: u64, findings: &[Finding], outcome: &mut Outcome) {
    let lines = findings.iter().take(FINDINGS_PRINTED_MAX);
    outcome.failures.extend(lines.map(|finding| format!("round {round}: {finding}")));
}

fn make_streams(client: &mut Client) -> Result<(), Failure> {
    for (name, shards) in STREAMS {
        client.create_stream(name, shards)?;
        let mut calls = 0;
        while !client.is_active(name)? {
            calls += 1;
            if calls > ACTIVE_CALLS_MAX {
                return Err(io::Error::other("new stream does not become active").into());
            }
        }
    }
    Ok(())
}
