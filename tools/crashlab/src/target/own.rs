//! The line protocol spoken by Flowstone's engine: `flowstone-crashlab target`.

use std::io::{BufRead, BufWriter, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use flowstone_engine::catalog::Table;
use flowstone_engine::catalog_value;
use flowstone_engine::clock::SystemClock;
use flowstone_engine::entropy::SystemEntropy;
use flowstone_engine::error::{Error, ErrorKind, Result};
use flowstone_engine::frame::BatchBuilder;
use flowstone_engine::io::{Backend, RealDisk};
use flowstone_engine::shard::{ReadFrom, ReadLimit};
use flowstone_engine::types::ShardId;
use flowstone_engine::{Appended, Engine, Options, ShardSpec};
use rkyv::{Archive, Deserialize, Serialize};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

/// Longer than any run of the lab, also when clocks jump by years.
pub const RETENTION_MS: u64 = 1000 * 365 * 24 * 60 * 60 * 1000;

#[derive(Archive, Serialize, Deserialize)]
struct LogRow {
    shard: u64,
}

catalog_value!(LogRow, version = 1);

/// Which shard holds a log.
const LOGS: Table<u64, LogRow> = Table::new("crashlab.logs");

/// How the engine is opened.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Logs of a new store.
    pub logs: usize,
    /// Bytes of a journal file: small ones roll and seal often.
    pub journal_file_bytes: usize,
    /// How long the logs of a new store keep their records.
    pub retention_ms: u64,
    /// Which commit ring.
    pub backend: Backend,
}

/// Serves the engine in `data` until it is told to stop, or its input ends.
pub fn serve(
    data: &Path,
    settings: &Settings,
    input: impl BufRead,
    output: impl Write + Send + 'static,
) -> Result<()> {
    let io = |error| Error::io("talking to the lab", error);
    let out = Out(Arc::new(Mutex::new(BufWriter::new(output))));
    let own = Own::open(data, settings)?;
    for damage in &own.engine.recovery().damages {
        out.say(&format!("damaged {damage:?}")).map_err(io)?;
    }
    out.say(&format!("ready logs={}", own.shards.len())).map_err(io)?;
    let (queued, answers) = channel();
    let answering = answer(answers, out.clone());
    let mut is_told_to_stop = false;
    for line in input.lines() {
        let line = line.map_err(io)?;
        let mut words = line.splitn(4, ' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some("append"), Some(log), Some(number), Some(data)) => {
                own.append(log, number, data, &queued)?;
            }
            (Some("dump"), None, ..) => own.dump(&out)?,
            (Some("stop"), None, ..) => {
                is_told_to_stop = true;
                break;
            }
            _ => {
                let message = format!("the lab said what the protocol has not line=`{line}`");
                return Err(Error::new(ErrorKind::Invalid, message));
            }
        }
    }
    if !is_told_to_stop {
        return Ok(());
    }
    drop(queued);
    if answering.join().is_err() {
        return Err(Error::new(ErrorKind::Unavailable, "a thread has panicked"));
    }
    own.engine.close()?;
    out.say("stopped").map_err(io)
}

/// The end of an append that was queued, or refused at once.
struct Queued {
    number: String,
    answer: std::result::Result<oneshot::Receiver<Result<Appended>>, Error>,
}

struct Own {
    engine: Engine,
    shards: Vec<ShardId>,
    runtime: Runtime,
}

impl Own {
    fn open(data: &Path, settings: &Settings) -> Result<Own> {
        let disk = RealDisk::open(data, settings.backend);
        let disk = disk.map_err(|error| Error::io("opening the data directory", error))?;
        let options =
            Options { journal_file_bytes: settings.journal_file_bytes, ..Options::default() };
        let (clock, entropy) = (Arc::new(SystemClock::new()), Arc::new(SystemEntropy));
        let engine = Engine::open(Arc::new(disk), clock, entropy, options)?;
        let rows = engine.catalog().scan(&LOGS)?;
        let mut shards: Vec<_> = rows.into_iter().map(|(_, row)| ShardId(row.shard)).collect();
        if shards.is_empty() {
            let specs = vec![ShardSpec { retention_ms: settings.retention_ms }; settings.logs];
            shards = engine.create_shards(&specs, |ids, transaction| {
                for (log, id) in (0..).zip(ids) {
                    transaction.put(&LOGS, &log, &LogRow { shard: id.0 });
                }
            })?;
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let runtime = runtime.map_err(|error| Error::io("starting a runtime", error))?;
        Ok(Own { engine, shards, runtime })
    }

    fn append(&self, log: &str, number: &str, data: &str, queued: &Sender<Queued>) -> Result<()> {
        let shard = log.parse().ok().and_then(|log: usize| self.shards.get(log)).copied();
        let shard = shard.ok_or_else(|| Error::new(ErrorKind::Invalid, "there is no such log"))?;
        let mut batch = BatchBuilder::default();
        batch.push(b"k", data.as_bytes())?;
        let answer = self.runtime.block_on(self.engine.enqueue(shard, batch.finish()?));
        // The other side is gone only when its output is, and then nobody hears an answer.
        let _ = queued.send(Queued { number: number.to_owned(), answer });
        Ok(())
    }

    fn dump(&self, out: &Out) -> Result<()> {
        let io = |error| Error::io("talking to the lab", error);
        for (log, shard) in self.shards.iter().enumerate() {
            // Also what the disk could not read: other logs go on. When it is the lab that does not
            // listen any more, this is not heard either.
            if let Err(error) = self.dump_log(log, *shard, out) {
                out.say(&format!("corrupt {log} {error}")).map_err(io)?;
            }
        }
        out.say("end").map_err(io)
    }

    fn dump_log(&self, log: usize, shard: ShardId, out: &Out) -> Result<()> {
        let limit = ReadLimit { records: 1000, bytes: 1 << 20 };
        let mut next = self.engine.resolve(shard, ReadFrom::TrimHorizon)?;
        loop {
            let read = self.engine.read(shard, next, limit)?;
            if read.count() == 0 {
                break;
            }
            let mut lines = out.lock();
            for record in read.records() {
                let data = String::from_utf8_lossy(record.record.data);
                let said = writeln!(lines, "record {log} {data}");
                said.map_err(|error| Error::io("talking to the lab", error))?;
            }
            next = read.next();
        }
        let is_quarantined = self.engine.recovery().quarantined_shards.contains(&shard);
        if is_quarantined {
            return Err(Error::new(ErrorKind::Corrupt, "the log is quarantined"));
        }
        Ok(())
    }
}

/// Tells the lab how appends ended, in the order in which they came.
fn answer(answers: Receiver<Queued>, out: Out) -> JoinHandle<()> {
    std::thread::spawn(move || {
        while let Ok(Queued { number, answer }) = answers.recv() {
            let appended = answer.and_then(|answer| {
                let lost = |_| Error::new(ErrorKind::Closed, "the engine was closed");
                answer.blocking_recv().map_err(lost)?
            });
            let line = match appended {
                Ok(_) => format!("ack {number}"),
                Err(error) => format!("fail {number} {error}"),
            };
            if out.say(&line).is_err() {
                return;
            }
        }
    })
}

/// Whole lines, from several threads.
#[derive(Clone)]
struct Out(Arc<Mutex<dyn Write + Send>>);

impl Out {
    fn lock(&self) -> MutexGuard<'_, dyn Write + Send + 'static> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn say(&self, line: &str) -> std::io::Result<()> {
        let mut out = self.lock();
        writeln!(out, "{line}")?;
        out.flush()
    }
}
