//! An open file of the simulated disk.

use std::fmt;
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

use super::disk::Machine;
use super::faults::{Access, Op, os_error};
use crate::io::{DIRECT_IO_BYTES, File, Map, Open};

/// An open file of a [`SimDisk`](super::SimDisk).
pub(super) struct SimFile {
    pub(super) machine: Arc<Machine>,
    pub(super) inode: u64,
    /// The name it was opened by.
    pub(super) path: String,
    pub(super) how: Open,
    /// Keeps the file while it is open, though it may have no name.
    pub(super) _open: Arc<()>,
}

impl SimFile {
    fn is_direct(&self) -> bool {
        matches!(self.how, Open::ReadDirect | Open::WriteDirect)
    }

    fn check_writable(&self) -> io::Result<()> {
        match self.how {
            Open::Read | Open::ReadDirect => Err(os_error(libc::EBADF)),
            Open::Write | Open::Create | Open::WriteDirect => Ok(()),
        }
    }

    /// Refuses what direct I/O refuses.
    fn check_aligned(&self, buffer: &[u8], offset: u64) -> io::Result<()> {
        if self.is_direct() && !is_aligned(buffer, offset) {
            return Err(os_error(libc::EINVAL));
        }
        Ok(())
    }
}

/// Whether address, length and offset suit direct I/O.
pub(super) fn is_aligned(buffer: &[u8], offset: u64) -> bool {
    buffer.as_ptr().addr().is_multiple_of(DIRECT_IO_BYTES)
        && buffer.len().is_multiple_of(DIRECT_IO_BYTES)
        && offset.is_multiple_of(DIRECT_IO_BYTES as u64)
}

impl File for SimFile {
    fn bytes(&self) -> io::Result<u64> {
        let mut state = self.machine.state();
        state.plan.check_up()?;
        Ok(state.inode(self.inode).cache().bytes())
    }

    fn set_bytes(&self, bytes: u64) -> io::Result<()> {
        self.check_writable()?;
        let mut state = self.machine.state();
        let course = state.begin(Op::SetBytes)?;
        course.check()?;
        state.check_room(self.inode, bytes)?;
        state.inode(self.inode).set_bytes(bytes);
        course.end(())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.check_aligned(buffer, offset)?;
        let mut state = self.machine.state();
        state.plan.check_access(Access::Read, &self.path)?;
        Ok(state.inode(self.inode).read_at(buffer, offset, self.is_direct()))
    }

    fn write_at(&self, buffer: &[u8], offset: u64) -> io::Result<usize> {
        self.check_writable()?;
        self.check_aligned(buffer, offset)?;
        self.machine.state().write_at(self.inode, buffer, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.machine.state().sync(self.inode)
    }

    fn drop_cache(&self) -> io::Result<()> {
        let mut state = self.machine.state();
        state.plan.check_up()?;
        state.inode(self.inode).drop_cache();
        Ok(())
    }

    fn map(&self) -> io::Result<Map> {
        let mut state = self.machine.state();
        state.plan.check_up()?;
        Ok(Map::from_bytes(state.inode(self.inode).cache().to_vec().into()))
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    fn simulated(&self) -> Option<u64> {
        Some(self.inode)
    }
}

impl fmt::Debug for SimFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimFile")
            .field("inode", &self.inode)
            .field("how", &self.how)
            .finish_non_exhaustive()
    }
}
