//! What all workloads share.

use std::cell::OnceCell;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::{Load, RECORD_BYTES, Round};
use crate::cores::Cores;
use crate::figure::{Sample, What};
use crate::load::{Measured, Span, closed, count};
use crate::scale::Scale;
use crate::system::host::Host;
use crate::system::kinesis::STREAM;
use crate::system::{BATCH_RECORDS, Connection, Operation, flowstone, kinesis};

/// Connections over which a server is settled.
const SETTLE_CONNECTIONS: usize = 4;

/// Shards of the stream that puts go to.
pub(super) const SHARDS: usize = 4;

/// What workloads run with.
#[derive(Debug)]
pub struct Bench {
    /// Who runs where.
    pub cores: Cores,
    /// Flowstone's program.
    pub program: PathBuf,
    /// A server that speaks Kinesis, which somebody else runs.
    pub endpoint: Option<SocketAddr>,
    /// How long a load runs.
    pub span: Span,
    /// Stretches of a soak, and how long each is.
    pub soak: (usize, Duration),
    tell: fn(&str),
    settle_bytes: u64,
    /// Bytes that are sealed before a start, and those between two lines about it.
    pub sealed_bytes: (u64, u64),
    settled: OnceCell<Host>,
    /// How long an anchor is measured.
    pub anchor_time: Duration,
    /// How long a system that compiles while it runs is loaded before it is measured.
    pub compile_time: Duration,
    /// Below it are all data directories.
    scratch: PathBuf,
    runtime: Runtime,
    requests: Arc<kinesis::Requests>,
}

impl Bench {
    /// A bench that keeps its data below `scratch`, and says by `tell` how far long work has got.
    /// The calling thread is on the load's cores from now on.
    pub fn new(
        program: PathBuf,
        scratch: &Path,
        scale: Scale,
        tell: fn(&str),
    ) -> io::Result<Bench> {
        let cores = Cores::split()?;
        cores.use_for_load()?;
        std::fs::create_dir_all(scratch)?;
        make_room_for_connections()?;
        Ok(Bench {
            cores,
            program,
            endpoint: None,
            span: scale.span(),
            anchor_time: scale.anchor_time(),
            compile_time: scale.compile_time(),
            soak: scale.soak(),
            tell,
            settle_bytes: scale.settle_bytes(),
            sealed_bytes: scale.sealed_bytes(),
            settled: OnceCell::new(),
            scratch: scratch.to_owned(),
            runtime: tokio::runtime::Builder::new_current_thread().enable_all().build()?,
            requests: kinesis::Requests::new(RECORD_BYTES),
        })
    }

    /// Says how far long work has got.
    pub fn tell(&self, line: &str) {
        (self.tell)(line);
    }

    /// A new directory for data. It goes when it is dropped.
    pub fn directory(&self) -> io::Result<TempDir> {
        TempDir::with_prefix_in("bench-", &self.scratch)
    }

    /// Runs `future` on this thread.
    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// A fresh Flowstone with the stream that puts go to.
    pub fn flowstone(&self) -> io::Result<Host> {
        let host = flowstone::start(&self.cores, &self.program, self.directory()?)?;
        self.block_on(kinesis::create_stream(host.address(), STREAM, SHARDS))?;
        Ok(host)
    }

    /// A Flowstone that has run for a while and is at rest: its journal files are all there, nothing
    /// waits to be sealed. The same one for all who ask.
    pub fn settled(&self) -> io::Result<&Host> {
        if self.settled.get().is_none() {
            let host = self.flowstone()?;
            let connections = self.kinesis(host.address(), SETTLE_CONNECTIONS)?;
            let batches = self.batches_to_settle();
            self.block_on(count(connections, Operation::Batch, batches))?;
            self.settled.set(host).map_err(|_| io::Error::other("settled twice"))?;
        }
        let host = self.settled.get().ok_or_else(|| io::Error::other("never settled"))?;
        // A journal file that the load before has filled is sealed when the next append does not fit
        // into it: not beside the next load.
        let connections = self.kinesis(host.address(), 1)?;
        self.block_on(count(connections, Operation::Batch, 1))?;
        host.rest()?;
        Ok(host)
    }

    /// Batches that settle a server or an engine.
    #[must_use]
    pub fn batches_to_settle(&self) -> u64 {
        self.settle_bytes.div_ceil((BATCH_RECORDS * RECORD_BYTES) as u64)
    }

    /// Connections to a server that speaks Kinesis.
    pub fn kinesis(&self, server: SocketAddr, count: usize) -> io::Result<Vec<Connection>> {
        self.kinesis_with(server, count, &self.requests)
    }

    /// Connections that send `requests`.
    pub fn kinesis_with(
        &self,
        server: SocketAddr,
        count: usize,
        requests: &Arc<kinesis::Requests>,
    ) -> io::Result<Vec<Connection>> {
        self.connections(count, async |number| {
            let opened = kinesis::Connection::open(server, requests, number).await;
            opened.map(Connection::Kinesis)
        })
    }

    /// As many connections, each made by its number.
    pub fn connections(
        &self,
        count: usize,
        open: impl AsyncFn(usize) -> io::Result<Connection>,
    ) -> io::Result<Vec<Connection>> {
        self.block_on(async {
            let mut connections = Vec::with_capacity(count);
            for number in 0..count {
                connections.push(open(number).await?);
            }
            Ok(connections)
        })
    }

    /// Runs a closed loop.
    pub fn closed(
        &self,
        connections: Vec<Connection>,
        operation: Operation,
    ) -> io::Result<Measured> {
        self.block_on(closed(connections, operation, self.span))
    }

    /// Runs a closed loop of which nothing is measured.
    pub fn unmeasured(
        &self,
        connections: Vec<Connection>,
        operation: Operation,
        time: Duration,
    ) -> io::Result<()> {
        let span = Span { warm_up: time, counted: Duration::ZERO };
        self.block_on(closed(connections, operation, span)).map(drop)
    }

    /// Operations that a closed loop got done. Those of its warm-up take processor time too.
    pub fn done(&self, measured: &Measured) -> f64 {
        measured.rate() * (self.span.warm_up + self.span.counted).as_secs_f64()
    }

    /// Runs `anchor` on the server's core.
    pub fn on_server_core<T>(&self, anchor: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        self.cores.use_for_server()?;
        let measured = anchor();
        self.cores.use_for_load()?;
        measured
    }
}

/// Lets this process open as many files as it may: a connection is one.
fn make_room_for_connections() -> io::Result<()> {
    let limit = getrlimit(Resource::Nofile);
    Ok(setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })?)
}

impl Round {
    /// Notes a quantity of `workload`, and what it is compared with.
    pub fn note(
        &mut self,
        (workload, name, unit): (&'static str, &str, &'static str),
        ours: f64,
        anchor: Option<(&str, f64)>,
    ) {
        let what = What {
            workload,
            name: name.to_owned(),
            unit,
            anchor: anchor.map(|(name, _)| name.to_owned()),
        };
        self.samples.push(Sample { what, ours, anchor: anchor.map(|(_, value)| value) });
    }

    /// Notes a load of `records` records an operation.
    pub fn load(&mut self, name: &str, measured: &Measured, records: f64) {
        self.loads.push(Load {
            name: name.to_owned(),
            records_a_second: measured.rate() * records,
            latency: measured.latencies.percentiles(),
        });
    }
}
