//! A commit ring made of io_uring.
//!
//! ```text
//!   submit -> slot + IORING_OP_WRITE with RWF_DSYNC -> kernel -> completion -> wait
//!   wake   -> eventfd, polled by the ring itself while the owner sleeps
//! ```
//!
//! **Invariant** a slot keeps its bytes and its file until the kernel has completed the write.
//!
//! The ring is not tied to a thread (no `SINGLE_ISSUER`, no `DEFER_TASKRUN`): it is made on one,
//! moved to another, and may be dropped on a third.

#![allow(unsafe_code, reason = "the kernel is handed addresses")]

use std::io;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::Duration;

use io_uring::types::{Fd, SubmitArgs, Timespec};
use io_uring::{IoUring, cqueue, opcode, squeue};

use super::event_wake::EventWake;
use super::{CommitRing, Completion, DurableWrite, Wake};

/// The completion of the poll of the eventfd; other completions carry their slot's number.
const WAKE_DATA: u64 = u64::MAX;
/// How often one write is handed in again after the kernel said that it did nothing.
const RESUBMITS_MAX: u32 = 1024;
/// A longer wait returns early: the kernel's seconds have a sign.
const TIMEOUT_MAX: Duration = Duration::from_secs(1 << 30);

/// Tries whether this kernel lets us have a ring: sets one up and does nothing with it.
pub fn probe() -> io::Result<()> {
    let mut ring = set_up(2)?;
    let nothing = opcode::Nop::new().build();
    // SAFETY: the entry refers to no memory.
    unsafe { ring.submission().push(&nothing) }.map_err(io::Error::other)?;
    ring.submit_and_wait(1)?;
    let done = ring.completion().next().ok_or(io::ErrorKind::Unsupported)?;
    outcome(&done).map(drop)
}

fn set_up(entries: u32) -> io::Result<IoUring> {
    // Kernels before 5.19 refuse the flag, which only spares interruptions.
    let ring = match IoUring::builder().setup_coop_taskrun().build(entries) {
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => IoUring::new(entries)?,
        made => made?,
    };
    // Timeouts of waits, and completions that are never lost: kernels since 5.11.
    if !ring.params().is_feature_ext_arg() || !ring.params().is_feature_nodrop() {
        return Err(io::Error::new(io::ErrorKind::Unsupported, "kernel too old for this ring"));
    }
    Ok(ring)
}

fn outcome(done: &cqueue::Entry) -> io::Result<usize> {
    usize::try_from(done.result()).map_err(|_| io::Error::from_raw_os_error(-done.result()))
}

/// A commit ring for kernels that allow io_uring.
pub struct UringRing {
    ring: IoUring,
    slots: Vec<Option<Slot>>,
    free: Vec<usize>,
    wake: Arc<EventWake>,
    /// Whether the kernel polls the eventfd.
    is_armed: bool,
    /// Writes that are over, until the owner asks.
    finished: Vec<Completion>,
    /// Writes that were told as failed while the kernel may still read their bytes.
    abandoned: Vec<DurableWrite>,
}

/// A write in flight.
struct Slot {
    write: DurableWrite,
    bytes_done: usize,
    resubmits: u32,
}

impl UringRing {
    /// A ring of `depth` writes.
    pub fn new(depth: u32) -> io::Result<UringRing> {
        assert!(depth > 0, "a commit ring holds at least one write");
        // One entry more, for the poll of the eventfd.
        let ring = set_up((depth + 1).next_power_of_two())?;
        let depth = depth as usize;
        Ok(UringRing {
            ring,
            slots: std::iter::repeat_with(|| None).take(depth).collect(),
            free: (0..depth).rev().collect(),
            wake: Arc::new(EventWake::new()?),
            is_armed: false,
            finished: Vec::new(),
            abandoned: Vec::new(),
        })
    }

    fn in_flight(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Queues what is left of the write in slot `index`.
    fn push_write(&mut self, index: usize) {
        let slot = self.slots[index].as_ref().expect("only slots in use are written");
        let Some(file) = slot.write.file.descriptor() else {
            let error = io::Error::from(io::ErrorKind::Unsupported);
            self.free_slot(index, Err(error));
            return;
        };
        let left = &slot.write.bytes[slot.bytes_done..];
        // A longer write is continued like any short one.
        let left_bytes = u32::try_from(left.len()).unwrap_or(1 << 30);
        let entry = opcode::Write::new(Fd(file.as_raw_fd()), left.as_ptr(), left_bytes)
            .offset(slot.write.offset + slot.bytes_done as u64)
            .rw_flags(libc::RWF_DSYNC)
            .build()
            .user_data(index as u64);
        self.push(&entry);
    }

    fn push(&mut self, entry: &squeue::Entry) {
        // SAFETY: the entry refers to the bytes and the descriptor of a slot, which keeps both
        // until the completion (the file's invariant), or to the eventfd, which outlives the ring.
        let pushed = unsafe { self.ring.submission().push(entry) };
        pushed.expect("the queue has an entry for every slot and one for the eventfd");
    }

    /// Hands what is queued to the kernel, and waits for `want` completions or `timeout`.
    fn enter(&mut self, want: usize, timeout: Option<Duration>) {
        let entered = match timeout {
            Some(timeout) => {
                let timeout = Timespec::from(timeout.min(TIMEOUT_MAX));
                let args = SubmitArgs::new().timespec(&timeout);
                self.ring.submitter().submit_with_args(want, &args)
            }
            None => self.ring.submitter().submit_and_wait(want),
        };
        let Err(error) = entered else { return };
        match error.raw_os_error() {
            // Time is up, a signal came, or the kernel is short of something: what is still
            // queued goes with the next call.
            Some(libc::ETIME | libc::EINTR | libc::EAGAIN | libc::EBUSY) => {}
            _ => self.give_up(&error),
        }
    }

    /// The ring itself is broken: nobody knows what happens to the writes in flight.
    fn give_up(&mut self, error: &io::Error) {
        tracing::error!(%error, "io_uring failed, its writes are lost");
        for index in 0..self.slots.len() {
            if let Some(slot) = self.slots[index].take() {
                let error = io::Error::new(error.kind(), "commit ring failed");
                self.finished.push(Completion { token: slot.write.token, result: Err(error) });
                self.abandoned.push(slot.write);
                self.free.push(index);
            }
        }
    }

    /// Takes every completion there is.
    fn reap(&mut self) {
        while let Some(done) = { self.ring.completion().next() } {
            if done.user_data() == WAKE_DATA {
                self.is_armed = false;
                self.wake.drain();
            } else {
                self.finish(&done);
            }
        }
    }

    /// One step of the write of which `done` tells: over, or on to the rest.
    fn finish(&mut self, done: &cqueue::Entry) {
        let index = usize::try_from(done.user_data()).expect("it is a slot's number");
        // Empty when the ring gave up on it.
        let Some(slot) = self.slots[index].as_mut() else { return };
        match outcome(done) {
            Ok(0) => self.free_slot(index, Err(io::ErrorKind::WriteZero.into())),
            Ok(n) => {
                slot.bytes_done += n;
                assert!(slot.bytes_done <= slot.write.bytes.len(), "kernel wrote more than asked");
                if slot.bytes_done == slot.write.bytes.len() {
                    self.free_slot(index, Ok(()));
                } else {
                    self.push_write(index);
                }
            }
            // Nothing was written, so no flush failed.
            Err(error)
                if matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EINTR))
                    && slot.resubmits < RESUBMITS_MAX =>
            {
                slot.resubmits += 1;
                self.push_write(index);
            }
            Err(error) => self.free_slot(index, Err(error)),
        }
    }

    fn free_slot(&mut self, index: usize, result: io::Result<()>) {
        let slot = self.slots[index].take().expect("a slot is freed once");
        self.free.push(index);
        self.finished.push(Completion { token: slot.write.token, result });
    }

    fn arm(&mut self) {
        if self.is_armed {
            return;
        }
        let readable = u32::try_from(libc::POLLIN).expect("poll flags are positive");
        let entry = opcode::PollAdd::new(Fd(self.wake.event().as_raw_fd()), readable)
            .build()
            .user_data(WAKE_DATA);
        self.push(&entry);
        self.is_armed = true;
    }
}

impl CommitRing for UringRing {
    fn kind(&self) -> &'static str {
        "io_uring"
    }

    fn submit(&mut self, write: DurableWrite) {
        let index = self.free.pop().expect("no more writes are in flight than the ring is deep");
        if write.bytes.is_empty() {
            self.free.push(index);
            self.finished.push(Completion { token: write.token, result: Ok(()) });
            return;
        }
        self.slots[index] = Some(Slot { write, bytes_done: 0, resubmits: 0 });
        self.push_write(index);
        self.enter(0, None);
    }

    fn wait(&mut self, timeout: Option<Duration>, completions: &mut Vec<Completion>) {
        self.reap();
        if self.finished.is_empty() {
            if timeout != Some(Duration::ZERO) && self.wake.fall_asleep() {
                self.arm();
                self.enter(1, timeout);
            } else {
                self.enter(0, None);
            }
            self.reap();
        }
        // The rest of short writes, and what an earlier call could not hand over.
        if !self.ring.submission().is_empty() {
            self.enter(0, None);
        }
        self.wake.get_up();
        completions.append(&mut self.finished);
    }

    fn waker(&self) -> Arc<dyn Wake> {
        Arc::clone(&self.wake) as Arc<dyn Wake>
    }
}

impl Drop for UringRing {
    /// Waits for what is in flight, because the kernel reads from its bytes.
    fn drop(&mut self) {
        while self.in_flight() > 0 {
            self.enter(1, None);
            self.reap();
        }
        // The kernel may still read these; they are few, and the process is about to stop.
        std::mem::forget(std::mem::take(&mut self.abandoned));
    }
}
