//! Starting Flowstone.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::host::Host;
use crate::cores::Cores;

/// The server's program: that of `FLOWSTONE_BIN`, or the one beside this program.
pub fn program() -> io::Result<PathBuf> {
    if let Some(program) = std::env::var_os("FLOWSTONE_BIN") {
        return Ok(program.into());
    }
    let program = std::env::current_exe()?.with_file_name("flowstone");
    if program.exists() {
        return Ok(program);
    }
    let message = format!(
        "there is no server at {}: `cargo build --release -p flowstone-server`, or set FLOWSTONE_BIN",
        program.display()
    );
    Err(io::Error::new(io::ErrorKind::NotFound, message))
}

/// A server on `directory`.
pub fn start(cores: &Cores, program: &Path, directory: TempDir) -> io::Result<Host> {
    Host::start(cores, directory, |address, directory| {
        let mut command = Command::new(program);
        command.arg("--listen").arg(address.to_string()).arg("--data-dir").arg(directory);
        Ok(command)
    })
}
