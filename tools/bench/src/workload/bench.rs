//! What all workloads share.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::{Load, RECORD_BYTES, Round};
use crate::cores::Cores;
use crate::figure::{Sample, What};
use crate::load::{Measured, Span, closed};
use crate::system::host::Host;
use crate::system::{Connection, Operation, flowstone, kinesis};

/// Shards of the stream that puts go to.
const SHARDS: usize = 4;

/// What workloads run with.
#[derive(Debug)]
pub struct Bench {
    /// Who runs where.
    pub cores: Cores,
    /// Flowstone's program.
    pub program: PathBuf,
    /// How long a load runs.
    pub span: Span,
    /// How long an anchor is measured.
    pub anchor_time: Duration,
    /// Below it are all data directories.
    scratch: PathBuf,
    runtime: Runtime,
    requests: Arc<kinesis::Requests>,
}

impl Bench {
    /// A bench that keeps its data below `scratch`. The calling thread is on the load's cores from
    /// now on.
    pub fn new(
        program: PathBuf,
        scratch: &Path,
        span: Span,
        anchor_time: Duration,
    ) -> io::Result<Bench> {
        let cores = Cores::split()?;
        cores.use_for_load()?;
        std::fs::create_dir_all(scratch)?;
        Ok(Bench {
            cores,
            program,
            span,
            anchor_time,
            scratch: scratch.to_owned(),
            runtime: tokio::runtime::Builder::new_current_thread().enable_all().build()?,
            requests: kinesis::Requests::new(RECORD_BYTES),
        })
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
        self.block_on(kinesis::create_stream(host.address(), SHARDS))?;
        Ok(host)
    }

    /// Connections to a server that speaks Kinesis.
    pub fn kinesis(&self, host: &Host, count: usize) -> io::Result<Vec<Connection>> {
        self.block_on(async {
            let mut connections = Vec::with_capacity(count);
            for number in 0..count {
                let address = host.address();
                let opened = kinesis::Connection::open(address, &self.requests, number).await?;
                connections.push(Connection::Kinesis(opened));
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

    /// Runs `anchor` on the server's core.
    pub fn on_server_core<T>(&self, anchor: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        self.cores.use_for_server()?;
        let measured = anchor();
        self.cores.use_for_load()?;
        measured
    }
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
