//! Typed rows: against a model, their bytes, their versions, and damaged files.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;

use super::{ANIMALS, Animal, PLACES, animal, real_disk};
use crate::catalog::store::{Row, Store};
use crate::catalog::transaction::Step;
use crate::catalog::{Catalog, Key, Table, Transaction, Value};
use crate::error::{ErrorKind, Result};
use crate::io::{Disk, Open};
use crate::limits::{CATALOG_SCAN_ROWS_MAX, CATALOG_VALUE_BYTES_MAX};

#[test]
fn the_bytes_of_a_value_never_change() {
    let hex: String = animal(4).encode().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, "776974682034206c 65677300 04000000 8b000000 f0ffffff".replace(' ', ""));
    assert_eq!(Key::encode(&0x0102_0304_0506_0708u64), [1, 2, 3, 4, 5, 6, 7, 8]);
}

#[test]
fn a_value_of_a_newer_version_is_refused() {
    #[derive(rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
    struct NewerAnimal {
        wings: u64,
    }
    crate::catalog_value!(NewerAnimal, version = 4);
    const NEWER: Table<u64, NewerAnimal> = Table::new("animals");

    let (_directory, disk) = real_disk();
    let catalog = Catalog::open(disk).unwrap();
    let mut transaction = Transaction::new();
    transaction.put(&NEWER, &1, &NewerAnimal { wings: 2 });
    catalog.commit(transaction).unwrap();
    let error = catalog.load(&ANIMALS, &1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.message().contains("use the newer binary"), "{error}");
}

#[test]
fn a_value_that_is_not_one_is_corrupt() {
    assert_eq!(Animal::decode(3, b"nonsense").unwrap_err().kind(), ErrorKind::Corrupt);
}

#[test]
fn a_page_that_rots_while_nobody_looks_is_found_at_the_next_start() {
    let disk = crate::io::sim::SimDisk::new(1);
    let catalog = Catalog::open(disk.clone()).unwrap();
    let mut transaction = Transaction::new();
    transaction.put(&ANIMALS, &1, &Animal { legs: 4, name: "a name to be found".into() });
    catalog.commit(transaction).unwrap();
    drop(catalog);
    let mut rotten = 0;
    for name in disk.file_names() {
        let bytes = disk.read_raw(&name).unwrap();
        let places = bytes.windows(18).enumerate().filter(|(_, at)| at == b"a name to be found");
        for (at, _) in places {
            disk.flip_bit(&name, at as u64, 0);
            rotten += 1;
        }
    }
    assert!(rotten > 0, "the row is in the file");
    assert_eq!(Catalog::open(disk.kill()).unwrap_err().kind(), ErrorKind::Corrupt);
}

#[test]
fn a_catalog_of_a_newer_format_is_refused() {
    let (_directory, disk) = real_disk();
    let catalog = Catalog::open(Arc::clone(&disk)).unwrap();
    let mut transaction = Transaction::new();
    transaction.steps.push(Step::Put {
        table: ".catalog",
        key: b"format".to_vec(),
        value: 2u32.to_le_bytes().to_vec(),
    });
    catalog.commit(transaction).unwrap();
    drop(catalog);
    let error = Catalog::open(disk).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.message().contains("version 2"), "{error}");
}

#[test]
fn a_transaction_is_empty_until_it_changes_or_expects_something() {
    let mut transaction = Transaction::new();
    assert!(transaction.is_empty());
    transaction.extend(Transaction::new());
    assert!(transaction.is_empty());
    transaction.expect_absent(&ANIMALS, &1);
    assert!(!transaction.is_empty());
}

#[test]
fn an_expectation_that_fails_changes_nothing() {
    let (_directory, disk) = real_disk();
    let catalog = Catalog::open(disk).unwrap();
    let put = |transaction: &mut Transaction, key| transaction.put(&ANIMALS, &key, &animal(2));

    let mut present = Transaction::new();
    put(&mut present, 1);
    present.expect_present(&ANIMALS, &1);
    assert_eq!(catalog.commit(present).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(super::count(&catalog), 0);

    let mut absent = Transaction::new();
    absent.expect_absent(&ANIMALS, &1);
    put(&mut absent, 1);
    catalog.commit(absent.clone()).unwrap();
    assert_eq!(catalog.commit(absent).unwrap_err().kind(), ErrorKind::AlreadyExists);
}

#[test]
fn a_scan_starts_and_stops_where_it_is_told() {
    let (_directory, disk) = real_disk();
    let catalog = Catalog::open(disk).unwrap();
    let mut transaction = Transaction::new();
    for key in 0..300u64 {
        transaction.put(&ANIMALS, &key, &animal(4));
        transaction.put(&PLACES, &format!("{key:03}"), &animal(0));
    }
    catalog.commit(transaction).unwrap();
    let keys = |start, limit| -> Vec<u64> {
        let rows = catalog.scan_from(&ANIMALS, start, limit).unwrap();
        rows.into_iter().map(|(key, _)| key).collect()
    };
    assert_eq!(keys(Bound::Excluded(&255), 2), [256, 257]);
    assert_eq!(keys(Bound::Included(&298), 9), [298, 299]);
    assert_eq!(keys(Bound::Unbounded, 1), [0]);
    let places = catalog.scan(&PLACES).unwrap();
    assert!((0..300).map(|key| format!("{key:03}")).eq(places.into_iter().map(|(key, _)| key)));
}

#[test]
fn a_damaged_catalog_is_corrupt_or_right() {
    let (_directory, disk) = real_disk();
    let catalog = Catalog::open(Arc::clone(&disk)).unwrap();
    let mut transaction = Transaction::new();
    (0..200u64).for_each(|key| transaction.put(&ANIMALS, &key, &animal(4)));
    catalog.commit(transaction).unwrap();
    drop(catalog);

    let file = disk.open(Path::new("catalog.redb"), Open::Read).unwrap();
    let mut whole = vec![0; usize::try_from(file.bytes().unwrap()).unwrap()];
    file.read_exact_at(&mut whole, 0).unwrap();
    let used = whole.iter().rposition(|byte| *byte != 0).unwrap();

    let mut corrupt = 0;
    // Every part of the header, and a byte in each page that is in use.
    for at in (0..320).step_by(7).chain((1000..used).step_by(4096)) {
        let mut rotten = whole.clone();
        rotten[at] ^= 0x41;
        put_file(&*disk, &rotten);
        match Catalog::open(Arc::clone(&disk)).and_then(|catalog| catalog.scan(&ANIMALS)) {
            Ok(rows) => assert!(rows.len() == 200 && rows[7].1 == animal(4), "byte {at}"),
            Err(error) => {
                assert!(
                    matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Invalid),
                    "byte {at}: {error:?}"
                );
                assert_eq!(error.place().file.as_deref(), Some("catalog.redb"), "{error}");
                corrupt += 1;
            }
        }
    }
    assert!(corrupt > 0, "no damage was noticed");
    for bytes in [0, 1, 300, 4096, 5000, used] {
        put_file(&*disk, &whole[..bytes]);
        let error = Catalog::open(Arc::clone(&disk)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "cut to {bytes}: {error:?}");
    }
}

fn put_file(disk: &dyn Disk, bytes: &[u8]) {
    disk.remove(Path::new("catalog.redb")).unwrap();
    let file = disk.open(Path::new("catalog.redb"), Open::Create).unwrap();
    file.write_all_at(bytes, 0).unwrap();
}

#[derive(Clone, Debug)]
enum Act {
    Commit(Vec<(u64, Option<u32>)>),
    Reopen,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let change = (0..12u64, prop::option::of(0..9u32));
    let act = prop_oneof![
        8 => prop::collection::vec(change, 1..6).prop_map(Act::Commit),
        1 => Just(Act::Reopen),
    ];
    prop::collection::vec(act, 1..25)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_catalog_is_a_map(acts in acts()) {
        let (_directory, disk) = real_disk();
        let mut catalog = Catalog::open(Arc::clone(&disk)).unwrap();
        let mut model = BTreeMap::new();
        for act in acts {
            match act {
                Act::Commit(changes) => {
                    let mut transaction = Transaction::new();
                    for (key, legs) in changes {
                        match legs {
                            Some(legs) => {
                                transaction.put(&ANIMALS, &key, &animal(legs));
                                model.insert(key, animal(legs));
                            }
                            None => {
                                transaction.remove(&ANIMALS, &key);
                                model.remove(&key);
                            }
                        }
                    }
                    catalog.commit(transaction).unwrap();
                }
                Act::Reopen => {
                    drop(catalog);
                    catalog = Catalog::open(Arc::clone(&disk)).unwrap();
                }
            }
            let rows: BTreeMap<_, _> = catalog.scan(&ANIMALS).unwrap().into_iter().collect();
            prop_assert_eq!(&rows, &model);
            prop_assert_eq!(catalog.load(&ANIMALS, &5).unwrap(), model.get(&5).cloned());
        }
    }
}

#[test]
fn a_catalog_that_rots_while_it_is_open_is_closed_without_a_panic() {
    use crate::io::sim::SimDisk;
    use crate::planted::{Bug, plant};

    let disk = SimDisk::new(1);
    let catalog = Catalog::open(Arc::clone(&disk) as Arc<dyn Disk>).unwrap();
    let mut transaction = Transaction::new();
    (0..200u64).for_each(|key| transaction.put(&ANIMALS, &key, &animal(4)));
    catalog.commit(transaction).unwrap();
    drop(catalog);
    let bytes = disk.read_raw("catalog.redb").unwrap();
    // Without the check at open what has rotted before passes for what rots later.
    plant(Some(Bug::TrustCatalogPages));
    for byte in (4096..bytes.len()).step_by(11).filter(|byte| bytes[*byte] != 0) {
        let rotten = disk.kill();
        rotten.flip_bit("catalog.redb", byte as u64, 5);
        drop(Catalog::open(rotten as Arc<dyn Disk>));
    }
    plant(None);
}

/// Holds one row that many times.
#[derive(Debug)]
struct Herd(Row, usize);

impl Store for Herd {
    fn read(&self, _: &str, _: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(Some(self.0.1.clone()))
    }
    fn scan(&self, _: &str, _: Bound<&[u8]>, limit: usize) -> Result<Vec<Row>> {
        Ok(vec![self.0.clone(); limit.min(self.1)])
    }
    fn apply(&self, _: &[Step]) -> Result<()> {
        Ok(())
    }
    fn check_durable(&self) -> Result<()> {
        Ok(())
    }
    fn maintain(&self) -> Result<()> {
        Ok(())
    }
}

#[test]
fn a_value_is_as_large_as_its_limit_says_and_no_larger() {
    let catalog = Catalog { store: Arc::new(Herd((Vec::new(), Vec::new()), 0)) };
    let commit = |bytes| {
        let mut transaction = Transaction::new();
        transaction.put_bytes("animals", Key::encode(&1u64), vec![0; bytes]);
        catalog.commit(transaction)
    };
    commit(CATALOG_VALUE_BYTES_MAX).unwrap();
    let refused = commit(CATALOG_VALUE_BYTES_MAX + 1).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Invalid);
    assert!(refused.message().contains("max=`16777216`"), "{refused}");
}

#[test]
fn a_scan_answers_as_many_rows_as_its_limit_says_and_refuses_more() {
    let mut transaction = Transaction::new();
    transaction.put(&ANIMALS, &1, &animal(4));
    let Some(Step::Put { key, value, .. }) = transaction.steps.pop() else { panic!("a put") };
    let scan = |rows| {
        let herd = Herd((key.clone(), value.clone()), rows);
        Catalog { store: Arc::new(herd) }.scan(&ANIMALS)
    };
    assert_eq!(scan(CATALOG_SCAN_ROWS_MAX).unwrap().len(), CATALOG_SCAN_ROWS_MAX);
    let refused = scan(CATALOG_SCAN_ROWS_MAX + 1).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Full);
    assert!(refused.message().contains("table=`animals` max=`1000000`"), "{refused}");
}
