//! The count of operations, the operation at which the machine dies, planned faults, and what is
//! refused.

use std::io;

/// Something that goes wrong once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Any operation fails with an input/output error. What a ring write left is unknown.
    Eio,
    /// A write, a new length or a new name finds no space.
    Enospc,
    /// A write takes fewer bytes than it was given.
    ShortWrite,
    /// A flush fails; what was dirty counts as clean from then on, and is not on the device.
    SyncLies,
}

/// What is done to a file without changing it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Opening it, or making it.
    Open,
    /// Reading its bytes.
    Read,
}

/// What kind of operation is about to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    Write,
    SetBytes,
    Sync,
    SyncDir,
    Name,
    Submit,
    Complete,
}

impl Fault {
    pub(super) fn fits(self, op: Op) -> bool {
        match self {
            Fault::Eio => op != Op::Submit,
            Fault::Enospc => matches!(op, Op::Write | Op::SetBytes | Op::Name | Op::Complete),
            Fault::ShortWrite => matches!(op, Op::Write | Op::Complete),
            Fault::SyncLies => matches!(op, Op::Sync | Op::Complete),
        }
    }
}

/// How an operation goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Course {
    Well,
    Badly(Fault),
    /// The machine dies in the middle of it.
    Deadly,
}

impl Course {
    /// The error that any operation reports for this course; short writes and lying flushes
    /// are the operation's own.
    pub(super) fn check(self) -> io::Result<()> {
        match self {
            Course::Badly(Fault::Eio) => Err(os_error(libc::EIO)),
            Course::Badly(Fault::Enospc) => Err(os_error(libc::ENOSPC)),
            Course::Well | Course::Badly(_) | Course::Deadly => Ok(()),
        }
    }

    /// The end of an operation that left its mark.
    pub(super) fn end<T>(self, value: T) -> io::Result<T> {
        if self == Course::Deadly { Err(down()) } else { Ok(value) }
    }
}

/// What is to happen at which operation.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) ops: u64,
    pub(super) crash_at: Option<u64>,
    pub(super) is_down: bool,
    pub(super) short_write_counts_as_whole: bool,
    faults: Vec<(u64, Fault)>,
    refused: Vec<(Access, String)>,
}

impl Plan {
    pub(super) fn inject(&mut self, op: u64, fault: Fault) {
        self.faults.push((op, fault));
        self.faults.sort_by_key(|(op, _)| *op);
    }

    /// Counts an operation and says how it goes. A fault that is due waits for an operation that
    /// it fits.
    pub(super) fn begin(&mut self, op: Op) -> io::Result<Course> {
        self.check_up()?;
        let number = self.ops;
        self.ops += 1;
        if self.crash_at.is_some_and(|crash_at| crash_at <= number) {
            self.is_down = true;
            return Ok(Course::Deadly);
        }
        let due = self.faults.iter().position(|(at, fault)| *at <= number && fault.fits(op));
        Ok(due.map_or(Course::Well, |due| Course::Badly(self.faults.remove(due).1)))
    }

    pub(super) fn refuse(&mut self, access: Access, path: &str) {
        self.refused.push((access, path.to_owned()));
    }

    /// Fails where `access` to the file of name `path` is refused, and once the machine is down.
    pub(super) fn check_access(&self, access: Access, path: &str) -> io::Result<()> {
        self.check_up()?;
        match self.refused.iter().any(|refused| *refused == (access, path.to_owned())) {
            true => Err(os_error(libc::EIO)),
            false => Ok(()),
        }
    }

    /// Fails once the machine is down.
    pub(super) fn check_up(&self) -> io::Result<()> {
        if self.is_down { Err(down()) } else { Ok(()) }
    }
}

pub(super) fn down() -> io::Error {
    io::Error::other("simulated machine is down")
}

pub(super) fn os_error(code: i32) -> io::Error {
    io::Error::from_raw_os_error(code)
}
