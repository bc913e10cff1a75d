//! The catalog: typed rows against a model, versions, damage, and a disk that fails.

mod backend;
mod crash;
mod faults;
mod mark;
mod rows;

use std::sync::Arc;

use crate::catalog::{Catalog, Table};
use crate::io::{Backend, Disk, RealDisk};

#[derive(Clone, Debug, PartialEq, Eq, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
struct Animal {
    legs: u32,
    name: String,
}

crate::catalog_value!(Animal, version = 3);

const ANIMALS: Table<u64, Animal> = Table::new("animals");
const PLACES: Table<String, Animal> = Table::new("places");

fn animal(legs: u32) -> Animal {
    Animal { legs, name: format!("with {legs} legs") }
}

fn real_disk() -> (tempfile::TempDir, Arc<dyn Disk>) {
    let directory = tempfile::tempdir().unwrap();
    let disk = RealDisk::open(directory.path(), Backend::Portable).unwrap();
    (directory, Arc::new(disk))
}

fn count(catalog: &Catalog) -> usize {
    catalog.scan(&ANIMALS).unwrap().len()
}
