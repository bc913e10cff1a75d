//! A bell that a background thread waits for.

use std::sync::{Condvar, Mutex};
use std::time::Duration;

/// Rings once for any number of reasons to look.
#[derive(Debug, Default)]
pub(super) struct Bell {
    rung: Mutex<bool>,
    changed: Condvar,
}

impl Bell {
    /// Ends the current or the next wait.
    pub(super) fn ring(&self) {
        *self.rung.lock().expect("no code panics while it rings") = true;
        self.changed.notify_all();
    }

    /// Waits for the bell, at most `timeout`.
    pub(super) fn wait(&self, timeout: Duration) {
        let rung = self.rung.lock().expect("no code panics while it rings");
        let (mut rung, _) = self
            .changed
            .wait_timeout_while(rung, timeout, |rung| !*rung)
            .expect("no code panics while it rings");
        *rung = false;
    }
}
