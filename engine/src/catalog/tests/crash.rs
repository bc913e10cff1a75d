//! The machine dies at every operation of a scripted workload.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{ANIMALS, animal};
use crate::catalog::{Catalog, Transaction};
use crate::error::Result;
use crate::io::Disk;
use crate::io::sim::SimDisk;

type Rows = BTreeMap<u64, u32>;

const STEPS: u64 = 12;

/// What step `step` does to `rows`: every transaction touches several rows.
fn change(step: u64, rows: &mut Rows, transaction: &mut Transaction) {
    for offset in 0..4 {
        let key = (step * 3 + offset * 5) % 11;
        if (step + offset).is_multiple_of(3) {
            rows.remove(&key);
            transaction.remove(&ANIMALS, &key);
        } else {
            let legs = u32::try_from(step * 10 + offset).unwrap();
            rows.insert(key, legs);
            transaction.put(&ANIMALS, &key, &animal(legs));
        }
    }
}

/// Runs the workload until the disk dies. What is surely there, and what may be.
fn run(disk: &Arc<SimDisk>) -> (Rows, Rows) {
    let mut rows = Rows::new();
    let mut next = Rows::new();
    let mut work = || -> Result<()> {
        let mut catalog = Catalog::open(Arc::clone(disk) as Arc<dyn Disk>)?;
        for step in 0..STEPS {
            if step == STEPS / 2 {
                drop(catalog);
                catalog = Catalog::open(Arc::clone(disk) as Arc<dyn Disk>)?;
            }
            let mut transaction = Transaction::new();
            change(step, &mut next, &mut transaction);
            catalog.commit(transaction)?;
            rows.clone_from(&next);
        }
        Ok(())
    };
    let result = work();
    assert!(result.is_ok() || disk.is_crashed(), "{result:?}");
    (rows, next)
}

fn rows_of(disk: &Arc<SimDisk>) -> Rows {
    let catalog = Catalog::open(Arc::clone(disk) as Arc<dyn Disk>).unwrap();
    let rows = catalog.scan(&ANIMALS).unwrap();
    rows.into_iter().map(|(key, value)| (key, value.legs)).collect()
}

#[test]
fn a_crash_leaves_every_transaction_whole_or_absent() {
    let disk = SimDisk::new(1);
    run(&disk);
    let ops = disk.ops();
    let mut crashes = 0;
    for op in 0..ops {
        let disk = SimDisk::new(1);
        disk.set_crash_at(op);
        let (before, after) = run(&disk);
        for seed in 0..3 {
            let survivor = disk.crash(seed);
            let rows = rows_of(&survivor);
            assert!(rows == before || rows == after, "op {op} seed {seed}: {rows:?}");
            // Recovery itself may be cut short, and must then come to the same.
            let again = survivor.crash(seed + 100);
            assert_eq!(rows_of(&again), rows, "op {op} seed {seed}: recovered twice");
            crashes += 1;
        }
    }
    println!("{ops} operations, {crashes} crashes");
}
