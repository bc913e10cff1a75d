//! A recording: a disk's bytes, the log of what was done to them, and what was acknowledged when.

use std::io;
use std::path::Path;

use crate::block::{Disk, Entry, Image};
use crate::random::Random;
use crate::target::{Ended, Failure, Ledger, Load, Mark, Store, Target};
use crate::verdict::{Broken, Tally};

/// Lives of a store in one recording, at most; all but the last end in a kill.
const LIVES_MAX: u64 = 4;
/// Records that are acknowledged in one life, at most.
const RECORDS_MAX: u64 = 1500;

/// What happened on a disk, and what a store said meanwhile.
#[derive(Debug)]
pub(super) struct Recording {
    /// The bytes before.
    pub(super) before: Image,
    /// All that was done to them.
    pub(super) entries: Vec<Entry>,
    ledger: Ledger,
    /// What was acknowledged when so many flushes were done, in that order.
    heard: Vec<(u64, Mark)>,
    start: Mark,
}

impl Recording {
    /// Records a store on `disk`, on which `before` is put first. `None` when the store fails: that
    /// is in the tally.
    pub(super) fn make(
        (target, log): (&Target, &Path),
        (disk, before): (&Disk, &Image),
        random: &mut Random,
        (replay, tally): (&str, &mut Tally),
    ) -> io::Result<Option<Recording>> {
        disk.device().put(before.clone());
        disk.device().log();
        let mounted = disk.mount()?;
        let ledger = Ledger::new(random.bits());
        let start = ledger.mark();
        let mut recording = Recording {
            before: before.clone(),
            entries: Vec::new(),
            ledger,
            heard: Vec::new(),
            start,
        };
        for _ in 0..1 + random.below(LIVES_MAX) {
            match recording.live((target, log), (disk, &mounted.data()), random) {
                Ok(Ended::Reached) => {}
                Ok(Ended::Refused(why) | Ended::Died(why)) => {
                    tally.found(Broken::Unusable, format!("appends end: {why}"), replay);
                    return Ok(None);
                }
                Err(Failure::NotStarted(error)) => return Err(error),
                Err(failure) => {
                    tally.found(Broken::Unusable, failure.to_string(), replay);
                    return Ok(None);
                }
            }
        }
        mounted.unmount()?;
        recording.entries = disk.device().take_log();
        Ok(Some(recording))
    }

    fn live(
        &mut self,
        (target, log): (&Target, &Path),
        (disk, data): (&Disk, &Path),
        random: &mut Random,
    ) -> Result<Ended, Failure> {
        let mut store = Store::start(target, data, log, &[])?;
        let mut load = Load::new(random);
        let wanted = 1 + random.below(RECORDS_MAX);
        for _ in 0..wanted {
            let ended = load.work(&mut store, &mut self.ledger, random, 1)?;
            // ORDER: counted after it was heard, so no flush that it relies on is left out.
            self.heard.push((disk.device().flushes(), self.ledger.mark()));
            if ended != Ended::Reached {
                return Ok(ended);
            }
        }
        Load::note_rest(&mut self.ledger, &store.kill())?;
        self.heard.push((disk.device().flushes(), self.ledger.mark()));
        Ok(Ended::Reached)
    }

    /// What must be there when so many flushes were done, and nothing after them is certain.
    pub(super) fn ledger_after(&self, flushes: u64) -> Ledger {
        let heard = self.heard.partition_point(|(when, _)| *when <= flushes);
        let mark = heard.checked_sub(1).and_then(|last| self.heard.get(last));
        self.ledger.at(mark.map_or(self.start, |(_, mark)| *mark))
    }

    /// How many records were acknowledged in all.
    pub(super) fn acknowledged(&self) -> u64 {
        self.ledger.acknowledged()
    }
}
