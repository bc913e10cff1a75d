//! A running server: the engine opened, the port bound; and its end.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use flowstone_engine::clock::SystemClock;
use flowstone_engine::entropy::SystemEntropy;
use flowstone_engine::io::{Backend, RealDisk};
use flowstone_engine::limits::journal_files_for;
use flowstone_engine::{Engine, Options};
use tokio::sync::watch;

use crate::api::Door;
use crate::api::streams::State;
use crate::config::{Config, IoChoice};
use crate::http::{Listener, Router};
use crate::memory::memory_bytes;
use crate::service::{CreateError, Planned, PlannedStream, StreamPath};

/// How often shards are looked for that were closed longer than their retention ago.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// Why the server does not run.
#[derive(Debug)]
pub enum StartError {
    /// The data directory cannot be opened.
    DataDir(std::io::Error),
    /// The engine cannot be opened.
    Engine(flowstone_engine::error::Error),
    /// A stream that should exist cannot be made.
    Stream(String, CreateError),
    /// The port cannot be bound.
    Bind(SocketAddr, std::io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::DataDir(error) => write!(f, "data directory cannot be opened: {error}"),
            StartError::Engine(error) => write!(f, "engine cannot be opened: {error}"),
            StartError::Stream(name, error) => {
                write!(f, "stream cannot be made name=`{name}`: {error}")
            }
            StartError::Bind(address, error) => {
                write!(f, "address cannot be bound address=`{address}`: {error}")
            }
        }
    }
}

impl std::error::Error for StartError {}

impl From<flowstone_engine::error::Error> for StartError {
    fn from(error: flowstone_engine::error::Error) -> StartError {
        StartError::Engine(error)
    }
}

/// Removes shards that have expired, now and then, until `stop` turns true.
async fn sweep(state: Arc<State>, mut stop: watch::Receiver<bool>) {
    loop {
        let swept = {
            let state = Arc::clone(&state);
            tokio::task::spawn_blocking(move || {
                state.streams.sweep(&state.engine, state.engine.retention_now())
            })
        };
        match swept.await {
            Ok(Ok(0)) => {}
            Ok(Ok(shards)) => tracing::debug!(shards, "removed shards that have expired"),
            Ok(Err(error)) => tracing::warn!(%error, "expired shards stay for now"),
            Err(error) => tracing::error!(%error, "removing expired shards ended early"),
        }
        let stopped = stop.wait_for(|is_stopping| *is_stopping);
        if tokio::time::timeout(SWEEP_EVERY, stopped).await.is_ok() {
            return;
        }
    }
}

/// A server that is ready to serve.
#[derive(Debug)]
pub struct Server {
    listener: Listener,
    router: Arc<Router>,
    state: Arc<State>,
}

impl Server {
    /// Opens the data, recovers what is there, and binds the port. Blocks while it recovers.
    pub async fn open(config: &Config) -> Result<Server, StartError> {
        let backend = match config.io {
            IoChoice::Auto => Backend::Auto,
            IoChoice::IoUring => Backend::Uring,
            IoChoice::Portable => Backend::Portable,
        };
        let disk = RealDisk::open(&config.data_dir, backend).map_err(StartError::DataDir)?;
        let clock = Arc::new(SystemClock::new());
        let entropy = Arc::new(SystemEntropy);
        let journal_file_bytes = config.journal_file_bytes;
        let journal_files_max = config
            .journal_files
            .unwrap_or_else(|| journal_files_for(memory_bytes(), journal_file_bytes));
        let options = Options { journal_file_bytes, journal_files_max, ..Options::default() };
        let engine = Engine::open(Arc::new(disk), clock.clone(), entropy.clone(), options)?;
        let health = {
            let engine = engine.clone();
            Box::new(move || engine.status())
        };
        let state = Arc::new(State::load(engine, clock, &*entropy, config.streams)?);
        for planned in &config.planned {
            ensure(planned, &state)?;
        }
        // Last, so that whoever finds the port open finds the data behind it.
        let listener = Listener::bind(config.listen, config.http)
            .await
            .map_err(|error| StartError::Bind(config.listen, error))?;
        let door = Door { streams: Arc::clone(&state), defaults: config.defaults.clone() };
        let router = Router::new(door, config.http, &*entropy, health);
        Ok(Server { listener, router, state })
    }

    /// The address that is bound.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.address()
    }

    /// Streams that were there at the start.
    #[must_use]
    pub fn streams(&self) -> usize {
        self.state.streams.count()
    }

    /// Serves until `stop` turns true, finishes what is in flight, and closes the engine.
    pub async fn serve(
        self,
        stop: watch::Receiver<bool>,
    ) -> Result<(), flowstone_engine::error::Error> {
        let Server { listener, router, state } = self;
        let sweeping = tokio::spawn(sweep(Arc::clone(&state), stop.clone()));
        let mut stopping = stop.clone();
        let ending = Arc::clone(&state);
        let ending = tokio::spawn(async move {
            let _ = stopping.wait_for(|is_stopping| *is_stopping).await;
            ending.stop();
        });
        let stopped = listener.serve(router, stop).await;
        ending.abort();
        // A panic there was printed, and is no reason not to close the engine.
        let _ = sweeping.await;
        tracing::info!(cut_off = stopped.cut_off, "no longer serving");
        let closed = tokio::task::spawn_blocking(move || state.engine.close()).await;
        closed.expect("closing the engine does not panic")
    }
}

/// Makes a stream that should exist, unless it is there, and says so.
fn ensure(planned: &PlannedStream, state: &State) -> Result<(), StartError> {
    let StreamPath { account, region, name } = &planned.path;
    let became = planned
        .ensure(&state.streams, &state.engine, state.now())
        .map_err(|error| StartError::Stream(name.clone(), error))?;
    match became {
        Planned::Made => tracing::info!(name, account, region, "stream of the configuration made"),
        Planned::WasThere(differences) if differences.is_empty() => {
            tracing::info!(name, account, region, "stream of the configuration is there");
        }
        Planned::WasThere(differences) => tracing::warn!(
            name,
            account,
            region,
            differences = differences.join(","),
            "stream of the configuration is there with other settings, and left as it is"
        ),
    }
    Ok(())
}
