//! The `flowstone` binary: configuration, signals, exit status.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use flowstone_server::banner::banner;
use flowstone_server::config::{Config, Flags};
use flowstone_server::server::Server;
use flowstone_server::{descriptors, log};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "flowstone: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let mut config = Config::load(Flags::parse())?;
    log::start(config.log_format, &config.log_level)?;
    config.http.connections_max = descriptors::make_room(config.http.connections_max);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(&config))
}

async fn serve(config: &Config) -> Result<(), Box<dyn std::error::Error>> {
    // Before anything opens, so that an early signal already stops in order.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let server = Server::open(config).await?;
    let address = server.address()?;
    tracing::info!(%address, streams = server.streams(), "listening");
    let _ = std::io::stdout().write_all(banner(address, &config.defaults.region).as_bytes());
    let (stop, stopping) = watch::channel(false);
    let signals = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
        let _ = stop.send(true);
        // Dropping the sender would stop the server as well, but not tell it why.
        std::future::pending::<()>().await;
    };
    tokio::select! {
        closed = server.serve(stopping) => closed?,
        () = signals => {}
    }
    Ok(())
}
