//! Appends to a store, many at a time.

use crate::random::Random;
use crate::target::{Failure, Ledger, Store};

/// Appends that wait for their answer at most.
const DEPTH_MAX: u64 = 32;

/// How a piece of load ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// So many records were acknowledged as were wanted.
    Reached,
    /// The store refused an append, with these words.
    Refused(String),
    /// The store has ended.
    Died(String),
}

/// A load: how many appends are on their way.
#[derive(Debug)]
pub struct Load {
    in_flight: u64,
    depth: u64,
}

impl Load {
    /// A load with some number of appends at a time.
    #[must_use]
    pub fn new(random: &mut Random) -> Load {
        Load { in_flight: 0, depth: 1 + random.below(DEPTH_MAX) }
    }

    /// Appends until `wanted` records more are acknowledged, and leaves the rest on its way.
    pub fn work(
        &mut self,
        store: &mut Store,
        ledger: &mut Ledger,
        random: &mut Random,
        wanted: u64,
    ) -> Result<Ended, Failure> {
        let goal = ledger.acknowledged() + wanted;
        loop {
            while self.in_flight < self.depth {
                let log = usize::try_from(random.below(store.logs() as u64)).unwrap_or(0);
                let (number, data) = ledger.send(log);
                match store.say(&format!("append {log} {number} {data}")) {
                    Ok(()) => self.in_flight += 1,
                    Err(Failure::Ended(status)) => return Ok(Ended::Died(status)),
                    Err(failure) => return Err(failure),
                }
            }
            let line = match store.next_line() {
                Ok(line) => line,
                Err(Failure::Ended(status)) => return Ok(Ended::Died(status)),
                Err(failure) => return Err(failure),
            };
            self.in_flight = self.in_flight.saturating_sub(1);
            if let Some(refused) = note(ledger, &line)? {
                return Ok(Ended::Refused(refused));
            }
            if ledger.acknowledged() >= goal {
                return Ok(Ended::Reached);
            }
        }
    }

    /// Waits for the answers to all that is on its way.
    pub fn settle(&mut self, store: &mut Store, ledger: &mut Ledger) -> Result<Ended, Failure> {
        let mut ended = Ended::Reached;
        while self.in_flight > 0 {
            let line = match store.next_line() {
                Ok(line) => line,
                Err(Failure::Ended(status)) => return Ok(Ended::Died(status)),
                Err(failure) => return Err(failure),
            };
            self.in_flight -= 1;
            if let Some(refused) = note(ledger, &line)? {
                ended = Ended::Refused(refused);
            }
        }
        Ok(ended)
    }

    /// Notes the answers that have come already, without waiting for more.
    pub fn catch_up(&mut self, store: &mut Store, ledger: &mut Ledger) -> Result<(), Failure> {
        loop {
            match store.said() {
                Ok(Some(line)) => {
                    self.in_flight = self.in_flight.saturating_sub(1);
                    note(ledger, &line)?;
                }
                Ok(None) | Err(Failure::Ended(_)) => return Ok(()),
                Err(failure) => return Err(failure),
            }
        }
    }

    /// Waits for the answers to all that is on its way, and believes none of them: what was
    /// acknowledged may be there or not.
    pub fn settle_in_doubt(&mut self, store: &mut Store) -> Result<(), Failure> {
        while self.in_flight > 0 {
            match store.next_line() {
                Ok(_) => self.in_flight -= 1,
                Err(Failure::Ended(_)) => return Ok(()),
                Err(failure) => return Err(failure),
            }
        }
        Ok(())
    }

    /// Notes what a store had said before it was killed.
    pub fn note_rest(ledger: &mut Ledger, rest: &[String]) -> Result<(), Failure> {
        rest.iter().try_for_each(|line| note(ledger, line).map(|_| ()))
    }
}

/// Notes an answer; the reason, if it is a refusal.
fn note(ledger: &mut Ledger, line: &str) -> Result<Option<String>, Failure> {
    let babble = || Failure::Babble(line.to_owned());
    let mut words = line.splitn(3, ' ');
    let (word, number) = (words.next(), words.next().and_then(|number| number.parse().ok()));
    match (word, number) {
        (Some("ack"), Some(number)) if ledger.acknowledge(number) => Ok(None),
        (Some("fail"), Some(_)) => Ok(Some(words.next().unwrap_or("no reason given").to_owned())),
        _ => Err(babble()),
    }
}
