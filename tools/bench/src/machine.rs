//! What machine this is: figures without it mean nothing.

use std::fs;
use std::path::Path;

use serde::Serialize;

/// A machine, as a reader of a report needs to know it.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    /// The processor's name.
    pub processor: String,
    /// Cores that this process may use.
    pub cores: usize,
    /// Memory in bytes.
    pub memory_bytes: u64,
    /// The kernel's release.
    pub kernel: String,
    /// The file system that data directories are on.
    pub file_system: String,
}

impl Machine {
    /// This one; data directories are below `scratch`.
    #[must_use]
    pub fn this(scratch: &Path) -> Machine {
        let field = |file: &str, name: &str| {
            let text = fs::read_to_string(file).unwrap_or_default();
            let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
            line.split_once(':').map_or("unknown", |(_, value)| value).trim().to_owned()
        };
        let memory = field("/proc/meminfo", "MemTotal");
        let kib = memory.split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok());
        let uname = rustix::system::uname();
        Machine {
            processor: field("/proc/cpuinfo", "model name"),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_bytes: kib.unwrap_or(0) * 1024,
            kernel: uname.release().to_string_lossy().into_owned(),
            file_system: file_system(scratch),
        }
    }
}

/// The type of the file system that `path` is on: that of the longest mount point above it.
fn file_system(path: &Path) -> String {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let mut best = (0, "unknown");
    for mount in mounts.lines() {
        let mut words = mount.split_whitespace().skip(1);
        let (Some(point), Some(kind)) = (words.next(), words.next()) else { continue };
        if path.starts_with(point) && point.len() >= best.0 {
            best = (point.len(), kind);
        }
    }
    best.1.to_owned()
}
