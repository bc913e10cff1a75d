//! The record: how far a long run got, so that another sitting goes on from there.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::run::Part;

/// What a run has gone through, over all sittings.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Record {
    /// What everything random follows from.
    pub seed: u64,
    /// The store under test, as it was named.
    pub target: String,
    /// Back end by back end.
    pub parts: BTreeMap<String, Part>,
}

/// A record and the file that it is kept in, if any.
#[derive(Debug)]
pub struct Keeper {
    file: Option<PathBuf>,
    record: Mutex<Record>,
}

impl Keeper {
    /// The record in `file`, or a new one.
    pub fn open(file: Option<&Path>, seed: Option<u64>, target: &str) -> io::Result<Keeper> {
        let found = match file.map(fs::read) {
            Some(Ok(bytes)) => Some(serde_json::from_slice::<Record>(&bytes)?),
            Some(Err(error)) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => None,
        };
        if let Some(found) = &found
            && (found.target != target || seed.is_some_and(|seed| seed != found.seed))
        {
            let message = format!(
                "the record is of another run target=`{}` seed=`{}`: name another file",
                found.target, found.seed
            );
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let new = || -> io::Result<Record> {
            let seed = seed.map_or_else(random_seed, Ok)?;
            Ok(Record { seed, target: target.to_owned(), parts: BTreeMap::new() })
        };
        let record = found.map_or_else(new, Ok)?;
        Ok(Keeper { file: file.map(Path::to_owned), record: Mutex::new(record) })
    }

    /// The record as it is now.
    #[must_use]
    pub fn record(&self) -> Record {
        self.record.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes a part, and writes the file: the old one is there until the new one is whole.
    pub fn keep(&self, part: &Part) -> io::Result<()> {
        let mut record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        record.parts.insert(part.back_end.clone(), part.clone());
        let Some(file) = &self.file else { return Ok(()) };
        let new = file.with_extension("new");
        let mut writer = fs::File::create(&new)?;
        serde_json::to_writer_pretty(&mut writer, &*record)?;
        writer.write_all(b"\n")?;
        writer.sync_all()?;
        fs::rename(&new, file)
    }
}

fn random_seed() -> io::Result<u64> {
    use flowstone_engine::entropy::{Entropy, SystemEntropy};
    // Small enough to be typed.
    Ok(SystemEntropy.bits() >> 32)
}
