//! Kinesalite: an emulator of Kinesis on Node.js, on LevelDB here. It does not flush.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use super::host::Host;
use crate::cores::Cores;

/// Its program, as `KINESALITE` names it.
fn program() -> io::Result<PathBuf> {
    let missing = || io::Error::other("KINESALITE names no program");
    std::env::var_os("KINESALITE").map(PathBuf::from).ok_or_else(missing)
}

/// The version that its package says; an error when it is not installed.
pub fn version() -> io::Result<String> {
    let program = program()?.canonicalize()?;
    let package = program.with_file_name("package.json");
    let package: Value = serde_json::from_slice(&std::fs::read(package)?)?;
    Ok(package["version"].as_str().unwrap_or("?").to_owned())
}

/// A server on `directory`.
pub fn start(cores: &Cores, directory: TempDir) -> io::Result<Host> {
    let program: OsString = program()?.into();
    Host::start(cores, directory, |address, directory| {
        let mut command = Command::new(program);
        command.arg("--port").arg(address.port().to_string());
        command.arg("--path").arg(directory.join("data"));
        command.args(["--createStreamMs", "0"]);
        Ok(command)
    })
}
