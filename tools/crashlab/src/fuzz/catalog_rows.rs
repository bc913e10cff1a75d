//! Rows of the catalog: edited values under the engine's and the server's tables.

use flowstone_engine::catalog::{Catalog, Transaction, Value};
use flowstone_server::service::StreamRow;

use crate::fuzz::edit::edit_once;
use crate::fuzz::input::Input;
use crate::fuzz::recovery::work;
use crate::fuzz::world::{World, base};

/// The tables of engine and server.
pub const TABLES: [&str; 8] = [
    "engine.shards",
    "engine.segments",
    "engine.dropped",
    "engine.ends",
    "engine.quarantines",
    "engine.numbers",
    "server.streams",
    "server.secrets",
];

/// Rows that one input writes.
const ROWS_MAX: usize = 6;

/// Decodes `data` as a row, then edits rows and opens engine and server on them.
pub fn body(data: &[u8]) {
    decode(data);
    let disk = base().disk.kill();
    let catalog = Catalog::open(disk.clone()).expect("the catalog is whole");
    let mut input = Input::new(data);
    let mut transaction = Transaction::new();
    for _ in 0..ROWS_MAX {
        if input.is_empty() {
            break;
        }
        let table = TABLES[usize::from(input.byte()) % TABLES.len()];
        let rows = catalog.scan_bytes(table).expect("the catalog is whole");
        let (key, value) = row(&rows, &mut input);
        transaction.put_bytes(table, key, value);
    }
    catalog.commit(transaction).expect("the disk has no faults");
    drop(catalog);
    if let Ok(mut world) = World::open(&disk) {
        work(&mut world.rig);
    }
}

/// A row that is there, edited, or a new one.
fn row(rows: &[(Vec<u8>, Vec<u8>)], input: &mut Input<'_>) -> (Vec<u8>, Vec<u8>) {
    let how = input.byte();
    let (mut key, mut value) = match rows.get(usize::from(how / 8) % rows.len().max(1)) {
        Some(row) => row.clone(),
        None => (vec![0; 8], vec![1, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    };
    for _ in 0..how % 4 {
        edit_once(&mut value, input);
    }
    if how & 4 != 0 {
        edit_once(&mut key, input);
    }
    (key, value)
}

/// What decodes as a stream's row encodes to the same row.
fn decode(data: &[u8]) {
    if let Ok(row) = StreamRow::decode(1, data) {
        let again = StreamRow::decode(StreamRow::VERSION, &row.encode());
        assert_eq!(again.ok(), Some(row));
    }
}

/// Each table's first row, as it is and with an edit.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = vec![Vec::new()];
    // The last two of each table: a value, and a key, of which no number can follow.
    for table in 0..8 {
        seeds.push(vec![table, 0]);
        seeds.push(vec![table, 1, 26, 2, 0, 0, 11]);
        seeds.push(vec![table, 4, 26, 0, 0, 0, 11]);
    }
    seeds
}
