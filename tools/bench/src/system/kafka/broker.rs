//! Starting a broker that is its own controller.

use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::PARTITIONS;
use crate::cores::Cores;
use crate::system::host::{Host, free_port_beside};

/// What the broker's own scripts give its virtual machine, with the heap that they give it.
const VIRTUAL_MACHINE: [&str; 7] = [
    "-Xms1g",
    "-Xmx1g",
    "-server",
    "-XX:+UseG1GC",
    "-XX:MaxGCPauseMillis=20",
    "-XX:InitiatingHeapOccupancyPercent=35",
    "-XX:+ExplicitGCInvokesConcurrent",
];

/// Any identifier does: 16 bytes in base64.
const CLUSTER: &str = "Zmxvd3N0b25lLWJlbmNoLQ";

/// When the broker flushes its logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flush {
    /// When the system writes pages back: its default.
    Default,
    /// Before each acknowledgement.
    Always,
}

/// The folder of jars that `KAFKA_CLASSPATH` names.
fn jars() -> io::Result<PathBuf> {
    let missing = || io::Error::other("KAFKA_CLASSPATH names no folder of jars");
    std::env::var_os("KAFKA_CLASSPATH").map(PathBuf::from).ok_or_else(missing)
}

/// The version of the broker among the jars; an error when there is none, or no Java.
pub fn version() -> io::Result<String> {
    let java = Command::new("java").arg("-version").output();
    java.map_err(|_| io::Error::other("java is not installed"))?;
    for jar in std::fs::read_dir(jars()?)? {
        // kafka_2.13-4.1.0.jar: the version of Scala, then that of Kafka.
        let name = jar?.file_name().to_string_lossy().into_owned();
        let versions = name.strip_prefix("kafka_").and_then(|name| name.strip_suffix(".jar"));
        if let Some((_, version)) = versions.and_then(|versions| versions.split_once('-')) {
            return Ok(version.to_owned());
        }
    }
    Err(io::Error::other("KAFKA_CLASSPATH has no jar of the broker"))
}

/// A broker on `directory`.
pub fn start(cores: &Cores, directory: TempDir, flush: Flush) -> io::Result<Host> {
    Host::start(cores, directory, |address, directory| {
        let file = directory.join("server.properties");
        std::fs::write(&file, properties(address, directory, flush)?)?;
        let mut format = java("kafka.tools.StorageTool")?;
        format.args(["format", "--cluster-id", CLUSTER, "--config"]).arg(&file);
        let formatted = format.output()?;
        if !formatted.status.success() {
            let said = String::from_utf8_lossy(&formatted.stderr).into_owned();
            return Err(io::Error::other(format!("the broker's storage is not formatted: {said}")));
        }
        let mut command = java("kafka.Kafka")?;
        command.arg(file);
        Ok(command)
    })
}

fn properties(address: SocketAddr, directory: &Path, flush: Flush) -> io::Result<String> {
    let controller = SocketAddr::new(address.ip(), free_port_beside(address)?);
    let mut properties = format!(
        "process.roles=broker,controller\n\
         node.id=1\n\
         controller.quorum.voters=1@{controller}\n\
         controller.listener.names=CONTROLLER\n\
         listeners=PLAINTEXT://{address},CONTROLLER://{controller}\n\
         num.partitions={PARTITIONS}\n\
         log.dirs={}\n",
        directory.join("data").display()
    );
    if flush == Flush::Always {
        properties += "log.flush.interval.messages=1\n";
    }
    Ok(properties)
}

fn java(class: &str) -> io::Result<Command> {
    let mut classpath = OsString::from(jars()?);
    classpath.push("/*");
    let mut command = Command::new("java");
    command.args(VIRTUAL_MACHINE).arg("-cp").arg(classpath).arg(class);
    Ok(command)
}
