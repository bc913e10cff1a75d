//! The catalog: what exists on this node, in a small transactional key-value store.
//!
//! ```text
//!   Catalog --typed rows--> Store (seam) --bytes--> RedbStore --pages--> CatalogFile --> Disk
//! ```
//!
//! | file             | owns |
//! |------------------|------|
//! | `table.rs`       | typed tables: a name, a key's encoding, a value's version |
//! | `transaction.rs` | changes that happen together |
//! | `typed.rs`       | [`Catalog`]: typed rows over rows of bytes |
//! | `store.rs`       | the seam: rows of bytes |
//! | `redb_store.rs`  | the local store: what it does when a commit fails |
//! | `opening.rs`     | bringing the file to where it can be read and written |
//! | `database.rs`    | one opened redb database: rows in, rows out, redb's errors as ours |
//! | `backend.rs`     | redb's storage over the disk seam, and which operation of it failed |
//! | `mark.rs`        | how many commits the catalog has at least |
//! | `reserve.rs`     | room kept free for the catalog on a full disk |
//!
//! Files: `catalog.redb`, `catalog.redb.new` (until the first start is over), `catalog.mark`,
//! `reserve`.
//!
//! What a failed commit leads to:
//!
//! | failed               | then |
//! |----------------------|------|
//! | no space             | the reserve is given up, the database reopened, the commit tried once more; if that fails too, `Full`: reads go on, the next commit tries again |
//! | any other write      | poisoned: commits are refused until restart, reads are of what is on the device |
//! | a flush              | the same; the flush is not retried, the page cache not believed |
//! | redb panicked        | the same, the error is `Corrupt` |
//!
//! **Invariant** a commit that was answered with success is in every later read, also after a
//! crash; one that was answered with an error is there whole or not at all.
//! **Invariant** a catalog that has lost a commit, or is one of before, does not open: as soon as
//! the mark is written back, and that is at once for all but a power loss.
//! **Invariant** values are read by the binary that knows their version, or refused.

mod backend;
mod database;
mod mark;
mod opening;
mod redb_store;
mod reserve;
mod store;
mod table;
mod transaction;
mod typed;

#[cfg(test)]
mod tests;

pub use database::CATALOG_FILE;
pub use table::{Key, Table, Value};
pub use transaction::Transaction;
pub use typed::Catalog;
