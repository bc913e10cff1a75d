//! A commit ring made of threads: each writes and flushes one write at a time.
//!
//! ```text
//!   submit -> queue -> worker: pwritev2(RWF_DSYNC), else pwrite + fdatasync -> completions -> wait
//! ```

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::io::{Errno, ReadWriteFlags};

use super::{CommitRing, Completion, DurableWrite, Wake};

/// A commit ring for machines where io_uring is missing or forbidden.
pub struct PortableRing {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
    depth: usize,
    in_flight: usize,
}

struct Shared {
    state: Mutex<State>,
    /// Told when there is work, or none will come.
    work: Condvar,
    /// Told when the owner has something to see.
    news: Condvar,
    /// Whether this system lacks writes that flush.
    lacks_durable_writes: AtomicBool,
}

#[derive(Default)]
struct State {
    queue: VecDeque<DurableWrite>,
    completions: Vec<Completion>,
    is_woken: bool,
    is_closed: bool,
}

impl PortableRing {
    /// A ring with `depth` threads.
    pub fn new(depth: u32) -> io::Result<PortableRing> {
        assert!(depth > 0, "a commit ring holds at least one write");
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            work: Condvar::new(),
            news: Condvar::new(),
            lacks_durable_writes: AtomicBool::new(false),
        });
        let depth = depth as usize;
        let mut ring =
            PortableRing { shared, workers: Vec::with_capacity(depth), depth, in_flight: 0 };
        for number in 0..depth {
            let shared = Arc::clone(&ring.shared);
            let worker = std::thread::Builder::new()
                .name(format!("commit-{number}"))
                .spawn(move || shared.work())?;
            ring.workers.push(worker);
        }
        Ok(ring)
    }
}

impl CommitRing for PortableRing {
    fn kind(&self) -> &'static str {
        "portable"
    }

    fn submit(&mut self, write: DurableWrite) {
        assert!(self.in_flight < self.depth, "more writes in flight than the ring is deep");
        self.in_flight += 1;
        self.shared.state().queue.push_back(write);
        self.shared.work.notify_one();
    }

    fn wait(&mut self, timeout: Option<Duration>, completions: &mut Vec<Completion>) {
        let state = self.shared.state();
        let is_quiet = |state: &mut State| state.completions.is_empty() && !state.is_woken;
        let mut state = match timeout {
            Some(timeout) => {
                self.shared
                    .news
                    .wait_timeout_while(state, timeout, is_quiet)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0
            }
            None => {
                self.shared.news.wait_while(state, is_quiet).unwrap_or_else(PoisonError::into_inner)
            }
        };
        state.is_woken = false;
        self.in_flight -= state.completions.len();
        completions.append(&mut state.completions);
    }

    fn waker(&self) -> Arc<dyn Wake> {
        Arc::clone(&self.shared) as Arc<dyn Wake>
    }
}

impl Drop for PortableRing {
    /// Waits for what was submitted.
    fn drop(&mut self) {
        self.shared.state().is_closed = true;
        self.shared.work.notify_all();
        for worker in self.workers.drain(..) {
            // A worker that panicked has said so; there is nothing to add while dropping.
            let _ = worker.join();
        }
    }
}

impl Wake for Shared {
    fn wake(&self) {
        self.state().is_woken = true;
        self.news.notify_one();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // No code that can panic runs under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A worker's life: until the ring is closed and nothing is left to write.
    fn work(&self) {
        while let Some(write) = self.next() {
            let result = self.write_durably(&write);
            self.state().completions.push(Completion { token: write.token, result });
            self.news.notify_one();
        }
    }

    fn next(&self) -> Option<DurableWrite> {
        let mut state = self
            .work
            .wait_while(self.state(), |state| state.queue.is_empty() && !state.is_closed)
            .unwrap_or_else(PoisonError::into_inner);
        state.queue.pop_front()
    }

    fn write_durably(&self, write: &DurableWrite) -> io::Result<()> {
        let file = write.file.descriptor().ok_or(io::ErrorKind::Unsupported)?;
        let mut bytes = &write.bytes[..];
        let mut offset = write.offset;
        while !bytes.is_empty() {
            match self.write_once(file, bytes, offset) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => {
                    bytes = &bytes[n..];
                    offset += n as u64;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Writes what one call takes; that much is on stable storage when this returns.
    fn write_once(&self, file: BorrowedFd<'_>, bytes: &[u8], offset: u64) -> Result<usize, Errno> {
        if !self.lacks_durable_writes.load(Ordering::Relaxed) {
            let slices = [IoSlice::new(bytes)];
            let written = uninterrupted(|| {
                rustix::io::pwritev2(file, &slices, offset, ReadWriteFlags::DSYNC)
            });
            match written {
                Err(Errno::OPNOTSUPP | Errno::NOSYS) => {
                    self.lacks_durable_writes.store(true, Ordering::Relaxed);
                }
                // Either the flag or the write itself is refused: the plain write will tell.
                Err(Errno::INVAL) => {}
                done => return done,
            }
        }
        let n = uninterrupted(|| rustix::io::pwrite(file, bytes, offset))?;
        rustix::fs::fdatasync(file)?;
        Ok(n)
    }
}

/// Calls again when a signal came before anything was written. A flush is never called again.
fn uninterrupted(mut write: impl FnMut() -> Result<usize, Errno>) -> Result<usize, Errno> {
    loop {
        match write() {
            Err(Errno::INTR) => {}
            done => return done,
        }
    }
}
