//! The machine dies, or the disk fails once, at every operation of a scripted workload.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{ANIMALS, animal};
use crate::catalog::{Catalog, Transaction};
use crate::error::{Error, ErrorKind, Result};
use crate::io::Disk;
use crate::io::sim::{Fault, SimDisk};

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

/// How a run of the workload ended.
struct Outcome {
    /// What is surely there.
    before: Rows,
    /// What is there when the last transaction came through.
    after: Rows,
    error: Option<Error>,
    /// What could be read after the error.
    read: Option<Rows>,
}

impl Outcome {
    fn allows(&self, rows: &Rows) -> bool {
        *rows == self.before || *rows == self.after
    }
}

/// Runs the workload until something fails.
fn run(disk: &Arc<SimDisk>) -> Outcome {
    let mut rows = Rows::new();
    let mut next = Rows::new();
    let mut read = None;
    let mut work = || -> Result<()> {
        let mut catalog = Catalog::open(Arc::clone(disk) as Arc<dyn Disk>)?;
        for step in 0..STEPS {
            if step == STEPS / 2 {
                drop(catalog);
                catalog = Catalog::open(Arc::clone(disk) as Arc<dyn Disk>)?;
            }
            let mut transaction = Transaction::new();
            change(step, &mut next, &mut transaction);
            if let Err(error) = catalog.commit(transaction) {
                read = rows_in(&catalog).ok();
                return Err(error);
            }
            rows.clone_from(&next);
        }
        Ok(())
    };
    let error = work().err();
    Outcome { before: rows, after: next, error, read }
}

fn rows_in(catalog: &Catalog) -> Result<Rows> {
    let rows = catalog.scan(&ANIMALS)?;
    Ok(rows.into_iter().map(|(key, value)| (key, value.legs)).collect())
}

fn rows_of(disk: &Arc<SimDisk>) -> Rows {
    rows_in(&Catalog::open(Arc::clone(disk) as Arc<dyn Disk>).unwrap()).unwrap()
}

/// A disk, with room for the reserve or without.
fn sim(has_room: bool) -> Arc<SimDisk> {
    let disk = SimDisk::new(1);
    if !has_room {
        disk.set_capacity(8 << 20);
    }
    disk
}

fn ops_of_workload(has_room: bool) -> u64 {
    let disk = sim(has_room);
    let outcome = run(&disk);
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    assert_eq!(disk.file_names().contains(&"reserve".to_owned()), has_room);
    disk.ops()
}

#[test]
fn a_crash_leaves_every_transaction_whole_or_absent() {
    let mut crashes = 0;
    for has_room in [true, false] {
        for op in 0..ops_of_workload(has_room) {
            let disk = sim(has_room);
            disk.set_crash_at(op);
            let outcome = run(&disk);
            assert!(outcome.error.is_none() || disk.is_crashed(), "{:?}", outcome.error);
            for seed in 0..3 {
                let survivor = disk.crash(seed);
                let rows = rows_of(&survivor);
                assert!(outcome.allows(&rows), "op {op} seed {seed}: {rows:?}");
                // Recovery itself may be cut short, and must then come to the same.
                let again = survivor.crash(seed + 100);
                assert_eq!(rows_of(&again), rows, "op {op} seed {seed}: recovered twice");
                crashes += 1;
            }
        }
    }
    println!("{crashes} crashes");
}

#[test]
fn a_fault_leaves_every_transaction_whole_or_absent() {
    let mut failures = 0;
    for fault in [Fault::Eio, Fault::Enospc, Fault::ShortWrite, Fault::SyncLies] {
        for op in 0..ops_of_workload(true) {
            let disk = sim(true);
            disk.inject(op, fault);
            let outcome = run(&disk);
            let context = format!("{fault:?} at {op}: {:?}", outcome.error);
            if let Some(error) = &outcome.error {
                use ErrorKind::{Full, Poisoned, Unavailable};
                failures += 1;
                assert_ne!(fault, Fault::ShortWrite, "{context}");
                assert!(matches!(error.kind(), Full | Poisoned | Unavailable), "{context}");
                // Only the first start, which has nothing to lose yet, does without a second try.
                assert!(fault != Fault::Enospc || outcome.after.is_empty(), "{context}");
            }
            if let Some(read) = &outcome.read {
                assert!(outcome.allows(read), "{context}: reads {read:?}");
            } else {
                assert!(outcome.error.is_none() || outcome.after == outcome.before, "{context}");
            }
            let restarted = disk.kill();
            let rows = rows_of(&restarted);
            assert!(outcome.allows(&rows), "{context}: restarts with {rows:?}");
            let again = rows_of(&restarted.crash(op));
            assert_eq!(again, rows, "{context}: what a restart shows is durable");
            let rows = rows_of(&disk.crash(op));
            assert!(outcome.allows(&rows), "{context}: comes back with {rows:?}");
        }
    }
    println!("{failures} failures");
}

/// A flush fails while the file grows; the process starts again, and goes on in the file.
#[test]
fn a_length_that_was_never_flushed_is_not_built_upon() {
    const ROWS: u64 = 3;
    let grow = |disk: &Arc<SimDisk>, rows: std::ops::Range<u64>| {
        let catalog = Catalog::open(Arc::clone(disk) as Arc<dyn Disk>)?;
        for key in rows {
            let mut transaction = Transaction::new();
            transaction.put_bytes("large", key.to_be_bytes().to_vec(), vec![7; 40_000]);
            catalog.commit(transaction)?;
        }
        Ok::<_, Error>(())
    };
    let calm = sim(true);
    grow(&calm, 0..ROWS).unwrap();
    let mut failures = 0;
    for op in 0..calm.ops() {
        let disk = sim(true);
        disk.inject(op, Fault::SyncLies);
        let first = grow(&disk, 0..ROWS);
        failures += u64::from(first.is_err());
        // The fault is over; but for the first start, nothing is in its way now.
        if grow(&disk, ROWS..2 * ROWS).is_err() {
            continue;
        }
        let (sender, moments) = std::sync::mpsc::channel();
        disk.watch(move |moment| drop(sender.send(moment.snapshot())));
        grow(&disk, 2 * ROWS..3 * ROWS).unwrap();
        for (at, moment) in moments.try_iter().enumerate().step_by(4) {
            let left = moment.crash(op ^ at as u64);
            let opened = Catalog::open(left as Arc<dyn Disk>);
            assert!(opened.is_ok(), "flush {op} fails, power lost at {at}: {:?}", opened.err());
        }
    }
    assert!(failures > 5, "flushes fail while the file grows: {failures}");
}
