//! Appends around a fault: until it has struck, and some after it.

use crate::random::Random;
use crate::target::{Failure, Ledger, Load, Store};

/// Appends that wait for their answer at most.
const DEPTH_MAX: u64 = 16;
/// Appends after a fault has struck.
const AFTER: u64 = 40;

/// What came of appends around a fault.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Driven {
    /// Appends that were refused.
    pub(crate) refused: u64,
    /// Appends that were sent after the fault had struck, and acknowledged.
    pub(crate) acknowledged_after: u64,
    /// The store has ended.
    pub(crate) has_died: bool,
}

/// Appends `wanted` records, fewer when `has_struck` before, and some after it has. All answers are
/// waited for.
pub(crate) fn drive(
    store: &mut Store,
    ledger: &mut Ledger,
    random: &mut Random,
    wanted: u64,
    has_struck: &dyn Fn() -> bool,
) -> Result<Driven, Failure> {
    let depth = 1 + random.below(DEPTH_MAX);
    let mut driven = Driven::default();
    let (mut in_flight, mut left) = (0, wanted);
    let mut last_before: Option<u64> = None;
    let mut newest = 0;
    loop {
        if last_before.is_none() && has_struck() {
            last_before = Some(newest);
            left = AFTER;
        }
        if left > 0 && in_flight < depth {
            let log = usize::try_from(random.below(store.logs() as u64)).unwrap_or(0);
            let (number, data) = ledger.send(log);
            newest = number;
            match store.say(&format!("append {log} {number} {data}")) {
                Ok(()) => (in_flight, left) = (in_flight + 1, left - 1),
                Err(failure) => return died(failure, driven),
            }
        } else if in_flight > 0 {
            let line = match store.next_line() {
                Ok(line) => line,
                Err(failure) => return died(failure, driven),
            };
            in_flight -= 1;
            let number = line.strip_prefix("ack ").and_then(|number| number.parse::<u64>().ok());
            let is_after =
                number.is_some_and(|number| last_before.is_some_and(|last| number > last));
            driven.acknowledged_after += u64::from(is_after);
            driven.refused += u64::from(number.is_none());
            Load::note_rest(ledger, &[line])?;
        } else if left == 0 && (last_before.is_some() || !has_struck()) {
            return Ok(driven);
        }
    }
}

/// A store may end when its disk fails; what it must not do is found when it is started again.
fn died(failure: Failure, mut driven: Driven) -> Result<Driven, Failure> {
    match failure {
        Failure::Ended(_) => {
            driven.has_died = true;
            Ok(driven)
        }
        failure => Err(failure),
    }
}
