//! The log: structured lines on standard error.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::LogFormat;

/// Starts logging for the whole process. `Err` says what is wrong with `filter`.
pub fn start(format: LogFormat, filter: &str) -> Result<(), Box<dyn std::error::Error>> {
    let filter = EnvFilter::try_new(filter)?;
    let is_terminal = std::io::stderr().is_terminal();
    let builder = fmt().with_writer(std::io::stderr).with_ansi(is_terminal).with_env_filter(filter);
    match format {
        LogFormat::Text => builder.with_target(false).finish().try_init()?,
        LogFormat::Json => builder.json().flatten_event(true).finish().try_init()?,
    }
    Ok(())
}
