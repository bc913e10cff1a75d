//! Counting: this program again, under valgrind, walking a path a few times and many times. What
//! is made before the first walk falls out of the difference.

use std::io;
use std::process::Command;

const FEW: usize = 1;
const MANY: usize = 6;

/// Instructions of one walk of the path `name`.
pub(crate) fn instructions(name: &str) -> io::Result<u64> {
    let (few, many) = (collected(name, FEW)?, collected(name, MANY)?);
    Ok(many.saturating_sub(few) / (MANY - FEW) as u64)
}

fn collected(name: &str, times: usize) -> io::Result<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe()?)
        .args(["--path", name, "--times", &times.to_string()])
        .output()
        .map_err(|error| io::Error::new(error.kind(), format!("valgrind: {error}")))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let count = said.lines().find_map(|line| line.split_once("Collected :"));
    count
        .and_then(|(_, count)| count.trim().parse().ok())
        .filter(|_| output.status.success())
        .ok_or_else(|| io::Error::other(format!("valgrind does not say a count:\n{said}")))
}
