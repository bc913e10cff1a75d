//! The catalog's file: damage is an error or harmless, and never a panic that gets out.

use std::sync::Arc;

use flowstone_engine::catalog::{Catalog, Table, Transaction};
use flowstone_engine::catalog_value;
use flowstone_engine::io::Disk;
use rkyv::{Archive, Deserialize, Serialize};

use crate::fuzz::catalog_rows::TABLES;
use crate::fuzz::input::Input;
use crate::fuzz::recovery::edit_file;
use crate::fuzz::world::base;

const FILE: &str = "catalog.redb";

/// A row of the fuzzer's own.
#[derive(Archive, Serialize, Deserialize)]
struct Mark {
    text: String,
}
catalog_value!(Mark, version = 1);

const MARKS: Table<u64, Mark> = Table::new("fuzz.marks");

/// Opens an edited catalog, reads all of it and commits to it.
pub fn body(data: &[u8]) {
    let disk = base().disk.kill();
    edit_file(&disk, FILE, false, &mut Input::new(data));
    let shared: Arc<dyn Disk> = disk.clone();
    let Ok(catalog) = Catalog::open(shared) else { return };
    for table in TABLES {
        let _ = catalog.scan_bytes(table);
    }
    let mut transaction = Transaction::new();
    transaction.put(&MARKS, &1, &Mark { text: "whole".to_owned() });
    if catalog.commit(transaction).is_ok() {
        let mark = catalog.load(&MARKS, &1).map(|mark| mark.map(|mark| mark.text));
        assert_eq!(mark.ok().flatten().as_deref(), Some("whole"), "a commit is read back");
    }
}

/// No edit, bits of the header and of pages, a cut.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = vec![vec![0], vec![1, 5, 0, 20, 0]];
    for at in [0u8, 9, 17, 64, 72, 130, 200] {
        seeds.push(vec![1, 0, at, 0, 0, 1]);
        seeds.push(vec![1, 0, at, at, 0, 1]);
    }
    seeds
}
