//! A running store, and the talk with it.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{
    Receiver, RecvTimeoutError, SyncSender, TryRecvError, TrySendError, sync_channel,
};
use std::time::Duration;

use crate::target::{Dump, Target};

/// A store that says nothing for this long while it should is stuck.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// Bytes of a line at most.
const LINE_BYTES_MAX: u64 = 1 << 20;
/// Lines that wait to be read.
const LINES_WAITING_MAX: usize = 1024;
/// Looks at a store that has closed its output, until it must have ended.
const LOOKS_MAX: u32 = 1000;
/// Between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(5);
/// Logs of a store at most.
const LOGS_MAX: usize = 1024;

/// Why the talk ended.
#[derive(Debug)]
pub enum Failure {
    /// The program could not be started at all: nobody's promise is broken.
    NotStarted(io::Error),
    /// It ended, or closed its side.
    Ended(String),
    /// It says nothing any more.
    Stuck,
    /// It says what the protocol does not know.
    Babble(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::NotStarted(error) => write!(f, "store cannot be started: {error}"),
            Failure::Ended(status) => write!(f, "store has ended: {status}"),
            Failure::Stuck => write!(f, "store said nothing for {} s", SILENCE_MAX.as_secs()),
            Failure::Babble(line) => write!(f, "store said what the protocol has not: `{line}`"),
        }
    }
}

/// A running store. Killed when dropped.
#[derive(Debug)]
pub struct Store {
    child: Child,
    input: Option<SyncSender<String>>,
    lines: Receiver<String>,
    logs: usize,
    damages: Vec<String>,
}

impl Store {
    /// Starts the store in `data` with `environment` added to its own, and waits until it is ready.
    /// Its standard error is appended to the file `log`.
    pub fn start(
        target: &Target,
        data: &Path,
        log: &Path,
        environment: &[(&str, &str)],
    ) -> Result<Store, Failure> {
        let (program, arguments) = target.command_line(data);
        let log = File::options().append(true).create(true).open(log);
        let mut command = Command::new(program);
        command
            .args(arguments)
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log.map_err(Failure::NotStarted)?)
            // A group of its own: what the program starts itself is killed with it.
            .process_group(0);
        let mut child = command.spawn().map_err(Failure::NotStarted)?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let (told, lines) = sync_channel(LINES_WAITING_MAX);
        if let Some(output) = output {
            std::thread::spawn(move || listen(output, &told));
        }
        let (said, to_say) = sync_channel(LINES_WAITING_MAX);
        if let Some(input) = input {
            std::thread::spawn(move || speak(input, &to_say));
        }
        let mut store = Store { child, input: Some(said), lines, logs: 1, damages: Vec::new() };
        store.wait_until_ready()?;
        Ok(store)
    }

    /// How many logs it has.
    #[must_use]
    pub fn logs(&self) -> usize {
        self.logs
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it said of damage when it started.
    #[must_use]
    pub fn damages(&self) -> &[String] {
        &self.damages
    }

    fn wait_until_ready(&mut self) -> Result<(), Failure> {
        loop {
            let line = self.next_line()?;
            if let Some(damage) = line.strip_prefix("damaged") {
                self.damages.push(damage.trim().to_owned());
            } else if let Some(logs) = line.strip_prefix("ready logs=") {
                let logs = logs.parse().ok().filter(|logs| (1..=LOGS_MAX).contains(logs));
                self.logs = logs.ok_or(Failure::Babble(line))?;
                return Ok(());
            } else if line == "ready" {
                return Ok(());
            } else {
                return Err(Failure::Babble(line));
            }
        }
    }

    /// Tells it something.
    pub fn say(&mut self, line: &str) -> Result<(), Failure> {
        let input = self.input.as_ref().ok_or_else(|| Failure::Ended("was stopped".to_owned()))?;
        match input.try_send(format!("{line}\n")) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(_)) => Err(Failure::Stuck),
            Err(TrySendError::Disconnected(_)) => Err(self.how_it_ended()),
        }
    }

    /// What it says next.
    pub fn next_line(&mut self) -> Result<String, Failure> {
        match self.lines.recv_timeout(SILENCE_MAX) {
            Ok(line) => Ok(line),
            Err(RecvTimeoutError::Timeout) => Err(Failure::Stuck),
            Err(RecvTimeoutError::Disconnected) => Err(self.how_it_ended()),
        }
    }

    /// What it has said already; `None` when that is nothing.
    pub fn said(&mut self) -> Result<Option<String>, Failure> {
        match self.lines.try_recv() {
            Ok(line) => Ok(Some(line)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(self.how_it_ended()),
        }
    }

    /// Everything it has.
    pub fn dump(&mut self) -> Result<Dump, Failure> {
        self.say("dump")?;
        let mut dump = Dump { logs: vec![Vec::new(); self.logs], damages: self.damages.clone() };
        loop {
            let line = self.next_line()?;
            let mut words = line.splitn(3, ' ');
            let word = words.next();
            let log = words.next().and_then(|log| log.parse().ok());
            let log = log.filter(|log: &usize| *log < self.logs);
            match (word, log, words.next()) {
                (Some("end"), None, None) => return Ok(dump),
                (Some("record"), Some(log), Some(data)) => dump.logs[log].push(data.to_owned()),
                (Some("corrupt"), Some(log), text) => {
                    dump.damages.push(format!("log {log}: {}", text.unwrap_or_default()));
                }
                _ => return Err(Failure::Babble(line)),
            }
        }
    }

    /// Asks it to stop, and waits until it has.
    pub fn stop(mut self) -> Result<(), Failure> {
        self.say("stop")?;
        loop {
            let line = self.next_line()?;
            if line == "stopped" {
                break;
            }
            // Answers to appends that nobody waited for.
            if !line.starts_with("ack ") && !line.starts_with("fail ") {
                return Err(Failure::Babble(line));
            }
        }
        drop(self.input.take());
        match self.child.wait() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(Failure::Ended(status.to_string())),
            Err(error) => Err(Failure::Ended(error.to_string())),
        }
    }

    /// Kills it, with all that it started. What it had said by then is still there to be read by
    /// `rest`.
    pub fn kill(mut self) -> Vec<String> {
        self.end();
        let mut rest = Vec::new();
        // The listener ends at the end of the pipe, for which all who hold it must be dead.
        while let Ok(line) = self.lines.recv_timeout(SILENCE_MAX) {
            rest.push(line);
        }
        rest
    }

    fn end(&mut self) {
        drop(self.input.take());
        let group = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw);
        if let Some(group) = group {
            // It fails when all have ended already.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = self.child.wait();
        // What the program started itself may take a moment longer, and has its files, and locks on
        // them, until then.
        let is_there = |group| rustix::process::test_kill_process_group(group).is_ok();
        for _ in 0..LOOKS_MAX {
            if !group.is_some_and(is_there) {
                break;
            }
            std::thread::park_timeout(LOOK_AGAIN);
        }
    }

    fn how_it_ended(&mut self) -> Failure {
        drop(self.input.take());
        for _ in 0..LOOKS_MAX {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Failure::Ended(status.to_string());
            }
            std::thread::park_timeout(LOOK_AGAIN);
        }
        Failure::Ended("closed its output, and went on".to_owned())
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.end();
    }
}

fn speak(mut input: ChildStdin, to_say: &Receiver<String>) {
    while let Ok(line) = to_say.recv() {
        // Who has closed its input has closed its output too, or is stuck: both are found there.
        if input.write_all(line.as_bytes()).is_err() {
            return;
        }
    }
}

fn listen(output: impl Read, told: &SyncSender<String>) {
    let mut output = BufReader::new(output);
    loop {
        let mut line = Vec::new();
        let read = output.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line);
        // A line that was cut by the end of the program says nothing.
        if !read.is_ok_and(|_| line.last() == Some(&b'\n')) {
            return;
        }
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        if told.send(line).is_err() {
            return;
        }
    }
}
