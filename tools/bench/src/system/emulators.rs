//! Emulators of Kinesis: how each is started.
//!
//! | emulator      | runs on | keeps records in |
//! |---------------|---------|------------------|
//! | Kinesalite    | Node.js | LevelDB, without flushes |
//! | kinesis-local | Node.js | memory |
//! | moto          | Python  | memory |

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use super::host::{Host, free_port_beside};
use crate::cores::Cores;

/// Loaded into Node.js before a program that cannot be told to listen on the loopback alone.
const LOOPBACK: &str = "\
const { Server } = require('net');
const { listen } = Server.prototype;
Server.prototype.listen = function (port, ...rest) {
  return listen.call(this, { port, host: '127.0.0.1' }, ...rest.filter(Boolean));
};
";

/// Prints the version of an installed package of Python.
const PYTHON_VERSION: &str = "from importlib.metadata import version; print(version('moto'))";

/// An emulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Emulator {
    /// The oldest.
    Kinesalite,
    /// kinesis-mock, compiled to JavaScript.
    KinesisLocal,
    /// Of many services of AWS; each request is over a connection of its own.
    Moto,
}

impl Emulator {
    /// The variable that names its program.
    const fn variable(self) -> &'static str {
        match self {
            Emulator::Kinesalite => "KINESALITE",
            Emulator::KinesisLocal => "KINESIS_LOCAL",
            Emulator::Moto => "MOTO_SERVER",
        }
    }

    /// Its program, with links followed.
    fn program(self) -> io::Result<PathBuf> {
        let missing = || io::Error::other(format!("{} names no program", self.variable()));
        let program = std::env::var_os(self.variable()).ok_or_else(missing)?;
        Path::new(&program).canonicalize().map_err(|_| missing())
    }

    /// The version that its package says; an error when it is not installed.
    pub fn version(self) -> io::Result<String> {
        let program = self.program()?;
        match self {
            Emulator::Kinesalite | Emulator::KinesisLocal => {
                let package = std::fs::read(program.with_file_name("package.json"))?;
                let package: Value = serde_json::from_slice(&package)?;
                Ok(package["version"].as_str().unwrap_or("?").to_owned())
            }
            Emulator::Moto => {
                // Its program is a script, whose first line names the Python that has the package.
                let script = std::fs::read_to_string(&program)?;
                let python = script.lines().next().and_then(|line| line.strip_prefix("#!"));
                let python =
                    python.ok_or_else(|| io::Error::other("moto's program is no script"))?;
                let printed = Command::new(python).args(["-c", PYTHON_VERSION]).output()?;
                Ok(String::from_utf8_lossy(&printed.stdout).trim().to_owned())
            }
        }
    }

    /// A server on `directory`.
    pub fn start(self, cores: &Cores, directory: TempDir) -> io::Result<Host> {
        let program = self.program()?;
        Host::start(cores, directory, |address, directory| {
            let port = address.port().to_string();
            let mut command = Command::new(&program);
            match self {
                Emulator::Kinesalite => {
                    command.arg("--path").arg(directory.join("data"));
                    command.args(["--port", &port, "--createStreamMs", "0"]);
                    command.env("NODE_OPTIONS", on_loopback(directory)?);
                }
                Emulator::KinesisLocal => {
                    // It listens for TLS too, with a certificate beside its program.
                    let tls = free_port_beside(address)?.to_string();
                    command.env("KINESIS_MOCK_PLAIN_PORT", port);
                    command.env("KINESIS_MOCK_TLS_PORT", tls);
                    command.env("KINESIS_MOCK_CERT_PATH", program.with_file_name("server.json"));
                    command.env("CREATE_STREAM_DURATION", "0ms").env("LOG_LEVEL", "ERROR");
                    command.env("LOAD_DATA_IF_EXISTS", "false").env("SHOULD_PERSIST_DATA", "false");
                    command.env_remove("INITIALIZE_STREAMS");
                    command.env("NODE_OPTIONS", on_loopback(directory)?);
                }
                Emulator::Moto => {
                    command.args(["--host", &address.ip().to_string(), "--port", &port]);
                }
            }
            Ok(command)
        })
    }
}

/// Options of Node.js that load [`LOOPBACK`], kept in `directory`.
fn on_loopback(directory: &Path) -> io::Result<OsString> {
    let script = directory.canonicalize()?.join("loopback.js");
    std::fs::write(&script, LOOPBACK)?;
    let mut options = OsString::from("--require=\"");
    options.push(script);
    options.push("\"");
    Ok(options)
}
