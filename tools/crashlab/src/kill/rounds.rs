//! One round after the other: load, kill or stop, restart, read back, check.

use std::io::{self, Write};

use crate::kill::check::{check, check_closed};
use crate::kill::consume::Consumers;
use crate::kill::deliveries::{Deliveries, Moments};
use crate::kill::ledger::Ledger;
use crate::kill::load::Load;
use crate::kill::plant::zero_a_frame;
use crate::kill::readback::Reader;
use crate::kill::reshard::Resharder;
use crate::kinesis::{Client, Failure};
use crate::random::Random;
use crate::server::{Server, Setup};
use crate::verdict::Broken;

/// Streams and their shards.
const STREAMS: [(&str, usize); 3] = [("one", 1), ("eight", 8), (RESHARDED, 4)];
/// The stream whose shards are split and merged.
const RESHARDED: &str = "resharded";
/// The stream on demand that has a queue.
const QUEUED: &str = "queued";
/// Every so many rounds the server is asked to stop instead of killed.
const STOP_EVERY: u64 = 7;
/// Every so many rounds everything is read back from the beginning.
const READ_ALL_EVERY: u64 = 10;
/// Describe calls until a new stream must be active.
const ACTIVE_CALLS_MAX: usize = 10_000;
/// Findings that are printed.
const FINDINGS_PRINTED_MAX: usize = 20;

/// What to do wrong after the last kill, to see that it is noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plant {
    /// Destroy acknowledged records.
    Loss,
    /// Claim an acknowledgement that the queue was never sent.
    Acknowledgement,
}

/// What to run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How many rounds.
    pub rounds: u64,
    /// Writers at once.
    pub writers: u32,
    /// A round ends when a random number of records up to this was acknowledged.
    pub round_records_max: u64,
    /// What the random moments follow from.
    pub seed: u64,
    /// What to do wrong.
    pub plant: Option<Plant>,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Records acknowledged.
    pub acknowledged: usize,
    /// Records read back.
    pub read: usize,
    /// Splits, merges and scalings answered.
    pub changes: u64,
    /// Deliveries of the queue.
    pub delivered: usize,
    /// Records acknowledged to the queue.
    pub done: usize,
    /// Kills by SIGKILL.
    pub kills: u64,
    /// Stops by SIGTERM.
    pub stops: u64,
    /// What must not be. Empty when all is well.
    pub failures: Vec<(Broken, String)>,
}

/// Runs `plan`. An error means that it could not be run; failures are in the outcome.
pub fn run(plan: &Plan, setup: &Setup, out: &mut dyn Write) -> Result<Outcome, Failure> {
    let server = Server::start(setup)?;
    let mut client = Client::new(server.address());
    make_streams(&mut client)?;
    let streams = STREAMS.iter().map(|(name, _)| *name).chain([QUEUED]);
    let mut run = Run {
        queue: client.create_stream_with_queue(QUEUED)?,
        streams: streams.map(ToOwned::to_owned).collect(),
        random: Random::new(plan.seed),
        ledger: Ledger::default(),
        reader: Reader::default(),
        deliveries: Deliveries::default(),
        moments: Moments::default(),
        outcome: Outcome::default(),
        plan,
        setup,
    };
    let mut server = Some(server);
    for round in 1..=plan.rounds {
        let Some(running) = server.take() else { break };
        server = run.round(round, running, out)?;
    }
    Ok(run.outcome)
}

/// What is known from round to round.
struct Run<'a> {
    plan: &'a Plan,
    setup: &'a Setup,
    streams: Vec<String>,
    queue: String,
    random: Random,
    ledger: Ledger,
    reader: Reader,
    deliveries: Deliveries,
    moments: Moments,
    outcome: Outcome,
}

impl Run<'_> {
    /// One round; the server that the next one goes on with, unless something is wrong.
    fn round(
        &mut self,
        round: u64,
        server: Server,
        out: &mut dyn Write,
    ) -> Result<Option<Server>, Failure> {
        let is_last = round == self.plan.rounds;
        let is_stop = round.is_multiple_of(STOP_EVERY) && !(self.plan.plant.is_some() && is_last);
        self.work(round, server, is_stop)?;
        if is_last && self.plan.plant == Some(Plant::Loss) {
            writeln!(out, "planted a loss: {:?}", zero_a_frame(&self.setup.data)?)?;
        }
        if is_last && self.plan.plant == Some(Plant::Acknowledgement) {
            let planted = self.deliveries.plant(&self.ledger, QUEUED, self.moments.next());
            let planted = planted.ok_or_else(|| io::Error::other("the queue owes nothing"))?;
            writeln!(out, "planted an acknowledgement: {planted:?}")?;
        }
        let restarted = self.restart(round);
        let server = match restarted {
            Ok(server) => server,
            // A server that refuses to serve destroyed records has noticed them.
            Err(failure) => {
                self.fail(round, [(Broken::Unusable, format!("restart or read back: {failure}"))]);
                return Ok(None);
            }
        };
        let findings = self.check(is_last.then_some(&server));
        let outcome = &mut self.outcome;
        outcome.acknowledged = self.ledger.acknowledged.len();
        outcome.read = self.reader.read.values().map(Vec::len).sum();
        outcome.changes = self.ledger.changes;
        (outcome.delivered, outcome.done) = self.deliveries.counts();
        writeln!(
            out,
            "round {round}/{}: {} acknowledged={} read={} reshards={} delivered={} done={} \
             findings={}",
            self.plan.rounds,
            if is_stop { "stopped" } else { "killed" },
            outcome.acknowledged,
            outcome.read,
            outcome.changes,
            outcome.delivered,
            outcome.done,
            findings.len()
        )?;
        self.fail(round, findings.into_iter().take(FINDINGS_PRINTED_MAX));
        Ok(self.outcome.failures.is_empty().then_some(server))
    }

    /// Everybody at work, until the server is killed or stopped.
    fn work(&mut self, round: u64, server: Server, is_stop: bool) -> Result<(), Failure> {
        let (at, writers, random) = (server.address(), self.plan.writers, &mut self.random);
        let load = Load::start(at, &self.streams, QUEUED, writers, &self.ledger, random);
        let progress = load.progress();
        let resharder = Resharder::start(at, RESHARDED, progress, random);
        let consumers = Consumers::start(at, &self.queue, progress, &self.moments, random);
        let target = 1 + random.below(self.plan.round_records_max);
        let mut wrong = Vec::new();
        if !load.wait_for(target) {
            wrong.push((Broken::Unusable, "writers got stuck or were refused".to_owned()));
        }
        if is_stop {
            self.outcome.stops += 1;
            let status = server.stop()?;
            if !status.success() {
                wrong.push((Broken::Unusable, format!("SIGTERM ended in {status}")));
            }
        } else {
            self.outcome.kills += 1;
            server.kill()?;
        }
        let mut refusals = load.finish(&mut self.ledger);
        refusals.extend(resharder.finish(&mut self.ledger));
        let (notes, failures) = consumers.finish();
        self.deliveries.note(notes);
        refusals.extend(failures.into_iter().filter(Failure::is_refusal));
        if !is_stop {
            wrong.extend(refusals.iter().map(|refusal| (Broken::Unusable, refusal.to_string())));
        }
        self.fail(round, wrong);
        Ok(())
    }

    /// Starts the server again and reads on.
    fn restart(&mut self, round: u64) -> Result<Server, Failure> {
        if round.is_multiple_of(READ_ALL_EVERY) || round == self.plan.rounds {
            self.reader = Reader::default();
        }
        let server = Server::start(self.setup)?;
        self.reader.read_on(&mut Client::new(server.address()), &self.streams)?;
        Ok(server)
    }

    /// All that is wrong; with `last`, also with what the queue then has left.
    fn check(&mut self, last: Option<&Server>) -> Vec<(Broken, String)> {
        let mut findings = Vec::new();
        let began = self.moments.next();
        if let Some(server) = last {
            let (moments, random) = (&self.moments, &mut self.random);
            let drain = Consumers::drain(server.address(), &self.queue, moments, random);
            let (notes, failures) = drain.finish();
            self.deliveries.note(notes);
            let stuck = |failure| (Broken::Unusable, format!("queue: drain: {failure}"));
            findings.extend(failures.iter().map(stuck));
            let left = self.deliveries.check_drained(&self.ledger, QUEUED, began);
            findings.extend(left.iter().map(|finding| (finding.broken(), finding.to_string())));
        }
        let read = check(&self.ledger, &self.reader.read);
        findings.extend(read.iter().map(|finding| (finding.broken(), finding.to_string())));
        let closed = check_closed(&self.ledger, &self.reader.finished);
        findings.extend(closed.iter().map(|finding| (finding.broken(), finding.to_string())));
        let delivered = self.deliveries.check(&self.ledger);
        findings.extend(delivered.iter().map(|finding| (finding.broken(), finding.to_string())));
        findings
    }

    fn fail(&mut self, round: u64, findings: impl IntoIterator<Item = (Broken, String)>) {
        let findings = findings.into_iter();
        let findings = findings.map(|(broken, what)| (broken, format!("round {round}: {what}")));
        self.outcome.failures.extend(findings);
    }
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
