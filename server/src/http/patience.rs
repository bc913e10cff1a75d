//! How long an HTTP/2 connection may go on: while requests come, and answers are taken.
//!
//! A socket that takes no bytes is let go by its stall guard. Over HTTP/2 a peer can also take no
//! bytes of one stream by granting no room, while the socket is fine. An answer holds memory until
//! it is sent: each has a deadline, and a connection with one overdue is ended.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, interval};

/// How often a connection is looked at, in parts of the shortest of its times.
const LOOKS_PER_TIMEOUT: u32 = 8;

/// What a connection's requests and answers are doing.
#[derive(Clone, Debug)]
pub(super) struct Patience {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    requests: usize,
    idle_since: Instant,
    next_id: u64,
    deadlines: BTreeMap<u64, Instant>,
}

/// Why a connection should end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spent {
    /// Nobody asks anything.
    Idle,
    /// An answer is not taken.
    Overdue,
}

impl Patience {
    pub(super) fn new() -> Patience {
        let state = State {
            requests: 0,
            idle_since: Instant::now(),
            next_id: 0,
            deadlines: BTreeMap::new(),
        };
        Patience { state: Arc::new(Mutex::new(state)) }
    }

    /// A request that is being answered, until what is returned is dropped.
    pub(super) fn request(&self) -> Asked {
        self.lock().requests += 1;
        Asked(self.clone())
    }

    /// Bytes that must be taken within `limit`; what is returned is dropped when they are.
    pub(super) fn due(&self, limit: Duration) -> Due {
        let mut state = self.lock();
        let id = state.next_id;
        state.next_id += 1;
        state.deadlines.insert(id, Instant::now() + limit);
        Due { patience: self.clone(), id }
    }

    /// Ends when the connection should: without a request for `idle`, or with bytes overdue.
    pub(super) async fn spent(&self, idle: Duration) -> Spent {
        let mut looks = interval((idle / LOOKS_PER_TIMEOUT).max(Duration::from_millis(1)));
        loop {
            let now = looks.tick().await;
            let state = self.lock();
            if state.deadlines.values().any(|deadline| *deadline <= now) {
                return Spent::Overdue;
            }
            let is_idle = state.requests == 0 && state.deadlines.is_empty();
            if is_idle && state.idle_since + idle <= now {
                return Spent::Idle;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that is being answered.
#[derive(Debug)]
pub(super) struct Asked(Patience);

impl Drop for Asked {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.requests -= 1;
        state.idle_since = Instant::now();
    }
}

/// Bytes on their way.
#[derive(Debug)]
pub(super) struct Due {
    patience: Patience,
    id: u64,
}

impl Drop for Due {
    fn drop(&mut self) {
        self.patience.lock().deadlines.remove(&self.id);
    }
}
