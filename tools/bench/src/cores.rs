//! Which thread and process runs on which core.

use std::io;
use std::process::{Child, Command};

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The cores of the system under load, and those of the load.
#[derive(Clone, Debug)]
pub struct Cores {
    server: CpuSet,
    load: CpuSet,
    /// Whether there is one core only, for both.
    pub is_shared: bool,
}

impl Cores {
    /// One core for the server, the others for the load; or one for both.
    pub fn split() -> io::Result<Cores> {
        let allowed = sched_getaffinity(None)?;
        let mut cores = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core));
        let first = cores.next().ok_or_else(|| io::Error::other("there is no core to run on"))?;
        let (mut server, mut load) = (CpuSet::new(), CpuSet::new());
        server.set(first);
        cores.for_each(|core| load.set(core));
        let is_shared = load.count() == 0;
        if is_shared {
            load.set(first);
        }
        Ok(Cores { server, load, is_shared })
    }

    /// Runs the calling thread, and what it starts from now on, on the load's cores.
    pub fn use_for_load(&self) -> io::Result<()> {
        sched_setaffinity(None, &self.load).map_err(io::Error::from)
    }

    /// Runs the calling thread, and what it starts from now on, on the server's core.
    pub fn use_for_server(&self) -> io::Result<()> {
        sched_setaffinity(None, &self.server).map_err(io::Error::from)
    }

    /// Starts `command` on the server's core. The calling thread is on the load's afterwards.
    pub fn spawn(&self, command: &mut Command) -> io::Result<Child> {
        // A child runs where the thread that starts it does.
        self.use_for_server()?;
        let child = command.spawn();
        self.use_for_load()?;
        child
    }
}
