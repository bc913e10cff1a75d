//! The two fake clocks, and how a store is started under them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use tempfile::TempDir;

use crate::random::Random;
use crate::target::{Failure, Store, Target};

/// Where systems keep the library.
const FOLDERS: [&str; 5] = [
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
];
/// The library, for programs with threads.
const LIBRARY: &str = "faketime/libfaketimeMT.so.1";
/// The earliest and the latest that the wall clock shows, in seconds since 1970.
const WALL_SECONDS: (i64, i64) = (86_400, 4_102_444_800);
/// The longest jump is about this number of bits of seconds: 34 years.
const JUMP_BITS_MAX: u64 = 30;
/// Seconds of monotonic time that a store finds passed at least.
const UPTIME_SECONDS_MIN: i64 = 60;

fn library() -> Option<PathBuf> {
    FOLDERS.iter().map(|folder| Path::new(folder).join(LIBRARY)).find(|path| path.exists())
}

/// Why this machine has no fake clocks.
pub(super) fn detect() -> Result<(), String> {
    if library().is_none() {
        return Err("there is no libfaketime: apt install faketime".to_owned());
    }
    let asked = std::process::Command::new("unshare")
        .args(["--time", "--monotonic=1000", "--fork", "true"])
        .output();
    match asked {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => {
            let why = String::from_utf8_lossy(&output.stderr);
            Err(format!("a time namespace, which needs root, cannot be made: {}", why.trim()))
        }
        Err(_) => Err("there is no unshare: apt install util-linux".to_owned()),
    }
}

/// The clocks of one store.
#[derive(Debug)]
pub(super) struct FakeClock {
    library: String,
    folder: TempDir,
    now_seconds: i64,
    uptime_seconds: i64,
    wall_offset: i64,
    /// Processes that were started.
    pids: Vec<u32>,
}

impl FakeClock {
    /// Clocks that are right, for now.
    pub(super) fn new(scratch: &Path) -> io::Result<FakeClock> {
        let library = library().ok_or_else(|| io::Error::other("libfaketime has gone"))?;
        let uptime = fs::read_to_string("/proc/uptime")?;
        let uptime = uptime.split('.').next().and_then(|seconds| seconds.parse().ok());
        let clock = FakeClock {
            library: library.to_string_lossy().into_owned(),
            folder: TempDir::with_prefix_in("clock-", scratch)?,
            now_seconds: now_seconds(),
            uptime_seconds: uptime.unwrap_or(0),
            wall_offset: 0,
            pids: Vec::new(),
        };
        clock.set()?;
        Ok(clock)
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("offset")
    }

    fn set(&self) -> io::Result<()> {
        // ORDER: whoever looks finds the old offset or the new one, and never half of it.
        let new = self.folder.path().join("new");
        fs::write(&new, format!("{:+}\n", self.wall_offset))?;
        fs::rename(new, self.file())
    }

    /// Lets the wall clock jump: back to what is right, or anywhere, near or far.
    pub(super) fn jump(&mut self, random: &mut Random) -> io::Result<()> {
        let (earliest, latest) =
            (WALL_SECONDS.0 - self.now_seconds, WALL_SECONDS.1 - self.now_seconds);
        let base = if random.below(2) == 0 { self.wall_offset } else { 0 };
        let jump = if random.below(4) == 0 { 0 } else { any(random) };
        self.wall_offset = base.saturating_add(jump).clamp(earliest, latest);
        self.set()
    }

    /// By how many seconds the wall clock is ahead of what is right.
    pub(super) fn ahead_seconds(&self) -> i64 {
        self.wall_offset
    }

    /// Starts a store that sees the wall clock, and one time in two a monotonic clock that was
    /// started at another moment.
    pub(super) fn start(
        &mut self,
        target: &Target,
        (data, log): (&Path, &Path),
        random: &mut Random,
    ) -> Result<Store, Failure> {
        let file = self.file();
        let environment = [
            ("LD_PRELOAD", self.library.as_str()),
            ("FAKETIME_TIMESTAMP_FILE", &*file.to_string_lossy()),
            ("FAKETIME_NO_CACHE", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
            ("NO_FAKE_STAT", "1"),
        ];
        let store = if random.below(2) == 0 {
            let offset = any(random).max(UPTIME_SECONDS_MIN - self.uptime_seconds);
            let arguments =
                ["--time".to_owned(), format!("--monotonic={offset}"), "--fork".to_owned()];
            Store::start(&target.under("unshare", &arguments), data, log, &environment)?
        } else {
            Store::start(target, data, log, &environment)?
        };
        self.pids.push(store.pid());
        Ok(store)
    }
}

impl Drop for FakeClock {
    fn drop(&mut self) {
        for pid in &self.pids {
            for name in ["faketime_shm_", "sem.faketime_sem_"] {
                // It is there when the process was killed.
                let _ = fs::remove_file(format!("/dev/shm/{name}{pid}"));
            }
        }
    }
}

/// Seconds, forward or back, as often few as many.
fn any(random: &mut Random) -> i64 {
    let bits = 1 + random.below(JUMP_BITS_MAX);
    let seconds = i64::try_from(random.bits() >> (64 - bits)).unwrap_or(0);
    if random.below(2) == 0 { seconds } else { -seconds }
}

#[expect(clippy::disallowed_methods, reason = "what a fake clock is off from")]
fn now_seconds() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(0)
}
