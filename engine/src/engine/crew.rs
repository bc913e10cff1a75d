//! The engine's threads: one commits, one seals, one compacts.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::engine::committer::Committer;
use crate::engine::compactor::{BURST_LOOK, Compactor};
use crate::engine::sealer::Sealer;
use crate::engine::shared::Shared;
use crate::error::{Error, ErrorKind};

/// How long the sealer waits before it tries again what failed, or looks without being rung for.
const SEALER_TICK: Duration = Duration::from_secs(1);

/// How often the compactor looks for what has expired.
const COMPACTOR_TICK: Duration = Duration::from_secs(5);

/// Below the commit path and the server's workers: background work takes the CPU that they leave.
const BACKGROUND_NICE: i32 = 10;

/// The hands of an engine. On a real disk each works in a thread of its own; a simulation makes
/// them work in turn, so that a seed replays.
pub struct Crew {
    pub(super) shared: Arc<Shared>,
    pub(super) committer: Committer,
    pub(super) sealer: Sealer,
    pub(super) compactor: Compactor,
}

impl Crew {
    /// Lets everybody work until the engine is closed.
    pub(super) fn start(self) -> std::io::Result<Vec<JoinHandle<()>>> {
        let Crew { shared, mut committer, mut sealer, mut compactor } = self;
        let committing = Arc::clone(&shared);
        let commit =
            thread::Builder::new().name("flowstone-commit".to_owned()).spawn(move || {
                // A bug in the committer must not leave appends waiting for ever.
                let guard = PoisonOnPanic(Arc::clone(&committing));
                while committer.turn(true) {}
                drop(guard);
            })?;
        let sealing = Arc::clone(&shared);
        let seal = thread::Builder::new().name("flowstone-seal".to_owned()).spawn(move || {
            yield_to_others();
            let guard = BlockOnPanic(Arc::clone(&sealing));
            while !sealing.is_stopping() {
                let is_burst = sealing.is_burst();
                if !sealer.turn_in_time(is_burst) {
                    let gives_way = is_burst && sealing.slots.blocked().is_none();
                    sealing.sealer_bell.wait(if gives_way { BURST_LOOK } else { SEALER_TICK });
                }
            }
            drop(guard);
        })?;
        let compact =
            thread::Builder::new().name("flowstone-compact".to_owned()).spawn(move || {
                yield_to_others();
                compactor.give_way();
                while !shared.is_stopping() {
                    if !compactor.turn() {
                        shared.compactor_bell.wait(COMPACTOR_TICK);
                    }
                }
            })?;
        Ok(vec![commit, seal, compact])
    }
}

/// Refuses appends from now on when the committer's thread ends by a panic.
pub(super) struct PoisonOnPanic(pub(super) Arc<Shared>);

impl Drop for PoisonOnPanic {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.poison(&std::io::Error::other("the committer has panicked"));
            let error = self.0.poison_error();
            self.0.queue.close(error.clone());
            self.0.queue.fail_all(&error);
        }
    }
}

/// Answers appends that need another journal file when the sealer's thread ends by a panic.
pub(super) struct BlockOnPanic(pub(super) Arc<Shared>);

impl Drop for BlockOnPanic {
    fn drop(&mut self) {
        if thread::panicking() {
            let message = "the sealer has panicked: no journal file comes free until restart";
            self.0.slots.set_blocked(Some(Error::new(ErrorKind::Unavailable, message)));
            self.0.queue.wake();
        }
    }
}

/// Lowers this thread's priority, where the system lets threads have their own.
fn yield_to_others() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, BACKGROUND_NICE) {
        tracing::debug!(%error, "background threads keep the normal priority");
    }
}

#[cfg(feature = "testing")]
impl Crew {
    /// One turn of the committer.
    pub fn commit(&mut self) -> bool {
        self.committer.turn(false)
    }

    /// Turns of the committer until nothing waits or nothing moves.
    pub fn commit_all(&mut self) {
        const TURNS_MAX: usize = 10_000;
        for _ in 0..TURNS_MAX {
            if !self.committer.turn(false) || self.committer.is_idle() {
                return;
            }
            if self.shared.slots.wants_spare() || self.shared.slots.waiting() > 0 {
                self.seal();
            }
        }
    }

    /// Turns of the committer until it has nothing left to do after the engine was closed.
    pub fn commit_until_closed(&mut self) {
        const TURNS_MAX: usize = 10_000;
        for _ in 0..TURNS_MAX {
            if !self.committer.turn(false) {
                return;
            }
        }
    }

    /// One turn of the sealer.
    pub fn seal(&mut self) -> bool {
        self.sealer.turn()
    }

    /// One turn of the compactor.
    pub fn compact(&mut self) -> bool {
        self.compactor.turn()
    }
}
