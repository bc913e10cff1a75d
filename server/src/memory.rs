//! How much memory the server may count on.

use std::fs;
use std::path::Path;

/// What this process may use, in bytes: the machine's memory, or its control group's limit where
/// that is less. 0 when neither can be read.
#[must_use]
pub fn memory_bytes() -> u64 {
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| of_machine(&text));
    machine.unwrap_or(0).min(of_group().unwrap_or(u64::MAX))
}

/// The least limit of this process's control group and those above it. Source: cgroup-v2,
/// `memory.max`.
fn of_group() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let group = Path::new("/sys/fs/cgroup").join(path);
    let limits = group.ancestors().take_while(|path| path.starts_with("/sys/fs/cgroup"));
    // A group without a limit says "max".
    limits
        .filter_map(|path| fs::read_to_string(path.join("memory.max")).ok()?.trim().parse().ok())
        .min()
}

fn of_machine(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::{memory_bytes, of_machine};

    #[test]
    fn the_machines_memory_is_read() {
        assert_eq!(
            of_machine("MemTotal:       24638512 kB\nMemFree: 1 kB\n"),
            Some(24_638_512 << 10)
        );
        assert_eq!(of_machine("MemFree: 1 kB"), None);
        assert_eq!(of_machine("MemTotal: much"), None);
        assert!(memory_bytes() > 1 << 20);
    }
}
