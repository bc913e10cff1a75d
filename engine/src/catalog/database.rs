//! One opened redb database: rows in, rows out, redb's errors as ours.

use std::io;
use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};

use redb::{
    ReadableDatabase, ReadableTable, StorageBackend, TableDefinition, TableError, WriteTransaction,
};

use crate::catalog::store::Row;
use crate::catalog::transaction::Step;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::CATALOG_CACHE_BYTES;
use crate::planted::{Bug, is_planted};

/// The catalog's file.
pub const CATALOG_FILE: &str = "catalog.redb";
/// The newest catalog format that this code reads and the one that it writes.
pub(super) const CATALOG_FORMAT_VERSION: u32 = 1;

/// The catalog's own table: `format` (u32) and `commits` (u64), little-endian. No typed table may
/// have a name that begins with a dot.
const OWN_TABLE: &str = ".catalog";
const FORMAT_KEY: &[u8] = b"format";
const COMMITS_KEY: &[u8] = b"commits";

type Bytes2Bytes<'a> = TableDefinition<'a, &'static [u8], &'static [u8]>;

/// An open database of our format. Closed by its drop alone.
pub(super) struct Database(Option<redb::Database>);

impl Database {
    /// Makes an empty catalog on empty storage.
    pub(super) fn create(storage: impl StorageBackend) -> Result<()> {
        guarded("create the catalog", || {
            let database = open_storage(storage)?;
            let transaction = database.begin_write()?;
            {
                let mut own = transaction.open_table(table(OWN_TABLE))?;
                own.insert(FORMAT_KEY, CATALOG_FORMAT_VERSION.to_le_bytes().as_slice())?;
                own.insert(COMMITS_KEY, 0u64.to_le_bytes().as_slice())?;
            }
            transaction.commit()?;
            Ok(())
        })
    }

    /// Opens a catalog, and checks every page of it against its checksum.
    pub(super) fn open(storage: impl StorageBackend) -> Result<Database> {
        let database = Database(Some(guarded("open the catalog", || open_storage(storage))?));
        let version = database.own_number::<4>(FORMAT_KEY)?.map(u32::from_le_bytes);
        match version {
            Some(CATALOG_FORMAT_VERSION) => Ok(database),
            Some(version) => Err(Error::new(
                ErrorKind::Invalid,
                format!(
                    "catalog has format version {version}, this binary reads \
                     {CATALOG_FORMAT_VERSION}: use the newer binary"
                ),
            )
            .in_file(CATALOG_FILE, 0)),
            None => Err(corrupt("catalog has no format version")),
        }
    }

    fn opened(&self) -> &redb::Database {
        self.0.as_ref().expect("only the drop takes it")
    }

    /// How many transactions were ever committed.
    pub(super) fn commits(&self) -> Result<u64> {
        let commits = self.own_number::<8>(COMMITS_KEY)?.map(u64::from_le_bytes);
        commits.ok_or_else(|| corrupt("catalog has no count of commits"))
    }

    /// The value under `key`.
    pub(super) fn read(&self, name: &str, key: &[u8]) -> Result<Option<Vec<u8>>> {
        guarded("read the catalog", || {
            let transaction = self.opened().begin_read()?;
            match transaction.open_table(table(name)) {
                Ok(rows) => Ok(rows.get(key)?.map(|value| value.value().to_vec())),
                Err(TableError::TableDoesNotExist(_)) => Ok(None),
                Err(error) => Err(error.into()),
            }
        })
    }

    /// Up to `limit` rows from `start` on.
    pub(super) fn scan(&self, name: &str, start: Bound<&[u8]>, limit: usize) -> Result<Vec<Row>> {
        guarded("scan the catalog", || {
            let transaction = self.opened().begin_read()?;
            let rows = match transaction.open_table(table(name)) {
                Ok(rows) => rows,
                Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
                Err(error) => return Err(error.into()),
            };
            let mut found = Vec::new();
            for row in rows.range::<&[u8]>((start, Bound::Unbounded))?.take(limit) {
                let (key, value) = row?;
                found.push((key.value().to_vec(), value.value().to_vec()));
            }
            Ok(found)
        })
    }

    /// Makes the changes of `steps` as the catalog's transaction number `number`.
    pub(super) fn apply(&self, steps: &[Step], number: u64) -> Result<()> {
        guarded("commit to the catalog", || {
            let transaction = self.opened().begin_write()?;
            if let Some(refused) = first_refusal(&transaction, steps)? {
                transaction.abort()?;
                return Ok(Err(refused));
            }
            for step in steps {
                change(&transaction, step)?;
            }
            transaction
                .open_table(table(OWN_TABLE))?
                .insert(COMMITS_KEY, number.to_le_bytes().as_slice())?;
            transaction.commit()?;
            Ok(Ok(()))
        })?
    }

    fn own_number<const BYTES: usize>(&self, key: &[u8]) -> Result<Option<[u8; BYTES]>> {
        Ok(self.read(OWN_TABLE, key)?.and_then(|value| value.try_into().ok()))
    }
}

/// The first expectation in `steps` that does not hold.
fn first_refusal(
    transaction: &WriteTransaction,
    steps: &[Step],
) -> Result<Option<Error>, redb::Error> {
    for step in steps {
        let (name, key, wants) = match step {
            Step::ExpectAbsent { table, key } => (table, key, false),
            Step::ExpectPresent { table, key } => (table, key, true),
            Step::Put { .. } | Step::Remove { .. } => continue,
        };
        let has = transaction.open_table(table(name))?.get(key.as_slice())?.is_some();
        if has != wants {
            let (kind, what) = if has {
                (ErrorKind::AlreadyExists, "is there already")
            } else {
                (ErrorKind::NotFound, "is not there")
            };
            return Ok(Some(Error::new(kind, format!("catalog row {what} table=`{name}`"))));
        }
    }
    Ok(None)
}

fn change(transaction: &WriteTransaction, step: &Step) -> Result<(), redb::Error> {
    match step {
        Step::ExpectAbsent { .. } | Step::ExpectPresent { .. } => {}
        Step::Put { table: name, key, value } => {
            transaction.open_table(table(name))?.insert(key.as_slice(), value.as_slice())?;
        }
        Step::Remove { table: name, key } => {
            transaction.open_table(table(name))?.remove(key.as_slice())?;
        }
    }
    Ok(())
}

fn table(name: &str) -> Bytes2Bytes<'_> {
    TableDefinition::new(name)
}

fn open_storage(storage: impl StorageBackend) -> Result<redb::Database, redb::Error> {
    Ok(redb::Builder::new()
        .set_cache_size(CATALOG_CACHE_BYTES)
        .set_check_integrity_on_open(!is_planted(Bug::TrustCatalogPages))
        .create_with_backend(storage)?)
}

/// Runs `f` and tells redb's errors as ours.
///
/// The check at open finds what is rotten then; pages that rot later reach redb unchecked, and it
/// answers some of them with a panic. That must cost the caller an error, not the process. The
/// database is not used after a panic in a write (`redb_store.rs` sees to it), so no state that
/// the panic tore is seen again.
fn guarded<T>(operation: &str, f: impl FnOnce() -> Result<T, redb::Error>) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(translate(operation, error)),
        Err(_) => Err(corrupt(&format!("{operation} failed: the database gave up"))),
    }
}

fn translate(operation: &str, error: redb::Error) -> Error {
    match error {
        // These two kinds are redb's own words for a file that is not what it wrote.
        redb::Error::Io(error)
            if !matches!(
                error.kind(),
                io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData
            ) =>
        {
            Error::io(operation, error).in_file(CATALOG_FILE, 0)
        }
        redb::Error::PreviousIo => {
            let message = format!("{operation} failed: an earlier operation on the file failed");
            Error::new(ErrorKind::Unavailable, message).in_file(CATALOG_FILE, 0)
        }
        redb::Error::UpgradeRequired(_) => Error::new(
            ErrorKind::Invalid,
            "catalog is a file of an older redb: upgrade it with the binary before this one",
        )
        .in_file(CATALOG_FILE, 0),
        // What is left says that the file is not what we wrote: wrong checksums, wrong types of
        // tables, lengths past its end.
        error => corrupt(&format!("{operation} failed: the file is damaged")).because(error),
    }
}

fn corrupt(message: &str) -> Error {
    Error::new(ErrorKind::Corrupt, message).in_file(CATALOG_FILE, 0)
}

impl Drop for Database {
    /// Closing reads pages and writes some, and so meets what has rotted since the open.
    fn drop(&mut self) {
        let database = self.0.take();
        let closed = guarded("close the catalog", || {
            drop(database);
            Ok(())
        });
        if let Err(error) = closed {
            tracing::error!(%error, "the catalog was not closed in order: the next start checks it");
        }
    }
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Database")
    }
}
