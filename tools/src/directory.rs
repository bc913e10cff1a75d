//! A data directory, opened to look: catalog, journal, segments.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use flowstone_engine::catalog::Catalog;
use flowstone_engine::error::{Error, Result};
use flowstone_engine::io::{Disk, Entry, Open};
use flowstone_engine::journal::JOURNAL_DIR;
use flowstone_engine::journal::header::{COMMITS_BEGIN, FileHeader};
use flowstone_engine::journal::recover::{Recovered, recover};
use flowstone_engine::journal::slots::slot_of;
use flowstone_engine::types::FileSeq;
use flowstone_engine::{Inventory, take_inventory};

use crate::progress::Progress;
use crate::read_only::ReadOnlyDisk;

/// A data directory. Nothing is changed in it.
pub struct Directory {
    disk: Arc<dyn Disk>,
    inventory: Inventory,
}

/// A journal file.
#[derive(Clone, Debug)]
pub struct JournalFile {
    /// Its name in the data directory.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// What it says of itself, if that can be read.
    pub header: Option<FileHeader>,
}

impl Directory {
    /// Opens `path`. Fails when there is no catalog, or a damaged or newer one.
    pub fn open(path: &Path) -> Result<Directory> {
        let disk = ReadOnlyDisk::open(path).map_err(|e| Error::io("opening the directory", e))?;
        let disk: Arc<dyn Disk> = Arc::new(disk);
        let catalog = Catalog::open(Arc::clone(&disk))?;
        let inventory = take_inventory(&catalog)?;
        Ok(Directory { disk, inventory })
    }

    /// The disk that it is on.
    #[must_use]
    pub fn disk(&self) -> &Arc<dyn Disk> {
        &self.disk
    }

    /// The engine's rows.
    #[must_use]
    pub fn inventory(&self) -> &Inventory {
        &self.inventory
    }

    /// The journal, judged as a starting server would.
    pub fn journal(&self) -> Result<Recovered> {
        let bytes: u64 = self.entries()?.iter().map(|entry| entry.bytes).sum();
        Progress::of("journal, reading").tell(bytes, bytes);
        recover(&self.disk, self.inventory.sealed_upto, self.inventory.journal_end)
    }

    /// The journal's files, by name.
    pub fn journal_files(&self) -> Result<Vec<JournalFile>> {
        self.entries()?
            .into_iter()
            .map(|entry| {
                let path = Path::new(JOURNAL_DIR).join(&entry.name);
                let mut head = vec![0; COMMITS_BEGIN];
                let read =
                    self.disk.open(&path, Open::Read).and_then(|file| file.read_at(&mut head, 0));
                read.map_err(|error| Error::io("reading a journal file", error))?;
                let header = FileHeader::decode_either(&head).ok().map(|(header, _)| header);
                let name = path.to_string_lossy().into_owned();
                Ok(JournalFile { name, bytes: entry.bytes, header })
            })
            .collect()
    }

    /// The name of the file of each incarnation.
    pub fn journal_names(&self) -> Result<BTreeMap<FileSeq, String>> {
        let files = self.journal_files()?;
        Ok(files.into_iter().filter_map(|file| Some((file.header?.file, file.name))).collect())
    }

    fn entries(&self) -> Result<Vec<Entry>> {
        let mut entries = self
            .disk
            .list(Path::new(JOURNAL_DIR))
            .map_err(|error| Error::io("listing the journal", error))?;
        entries.retain(|entry| slot_of(&entry.name).is_some());
        Ok(entries)
    }
}
