//! Opening a data directory of which any file was edited.

use std::path::Path;
use std::sync::Arc;

use flowstone_engine::clock::ManualClock;
use flowstone_engine::io::sim::SimDisk;
use flowstone_engine::io::{Disk, Open};
use flowstone_engine::types::ShardId;

use crate::fuzz::edit::edit_once;
use crate::fuzz::forge;
use crate::fuzz::input::Input;
use crate::fuzz::world::{Base, base};
use crate::sim::rig::{Rig, START};

/// Files that one input edits.
const FILES_MAX: usize = 4;

/// Edits files and opens the engine on them.
pub fn body(data: &[u8]) {
    let Base { disk, records } = base();
    let disk = disk.kill();
    let mut input = Input::new(data);
    let is_forged = input.byte() & 1 != 0;
    let names = disk.file_names();
    for _ in 0..FILES_MAX {
        if input.is_empty() {
            break;
        }
        let name = &names[usize::from(input.byte()) % names.len()];
        edit_file(&disk, name, is_forged, &mut input);
    }
    let clock = Arc::new(ManualClock::at(START));
    let Ok(mut rig) = Rig::open(&disk, &clock, 3) else { return };
    if !is_forged {
        check_records(&rig, records);
    }
    work(&mut rig);
    drop(rig);
    // Whatever was there, what the engine has made of it opens again.
    let again = Rig::open(&disk.kill(), &clock, 4);
    assert!(is_forged || again.is_ok(), "recovering twice differs: {:?}", again.err());
}

/// Edits one file, a number of times that the input says; now and then removes it.
pub fn edit_file(disk: &Arc<SimDisk>, name: &str, is_forged: bool, input: &mut Input<'_>) {
    // An earlier edit may have removed it.
    let Ok(file) = disk.open(Path::new(name), Open::Write) else { return };
    let mut bytes = disk.read_raw(name).expect("the file is there");
    let edits = input.byte() % 8;
    if edits == 7 {
        disk.remove(Path::new(name)).expect("the file is there");
        return;
    }
    for _ in 0..edits {
        edit_once(&mut bytes, input);
    }
    if is_forged && name.ends_with(".fsj") {
        forge::frames(&mut bytes);
        forge::file_headers(&mut bytes);
    }
    file.set_bytes(bytes.len() as u64).expect("the disk has no faults");
    file.write_all_at(&bytes, 0).expect("the disk has no faults");
    file.sync().expect("the disk has no faults");
}

/// What is served is what was written, at its sequence number.
fn check_records(rig: &Rig, records: &[Vec<Vec<u8>>]) {
    for (shard, written) in records.iter().enumerate() {
        let Ok((first, read)) = rig.read_all(ShardId(shard as u64)) else { continue };
        let first = usize::try_from(first.0).expect("small");
        assert!(written.get(first..).is_some_and(|rest| rest.starts_with(&read)), "made up");
    }
}

/// Appends, seals, compacts and reads, whatever comes of it.
pub fn work(rig: &mut Rig) {
    for round in 0..3u8 {
        for shard in 0..3 {
            let _ = rig.enqueue(ShardId(shard), &[vec![round; 500]]);
            let _ = rig.read_all(ShardId(shard));
        }
        rig.crew.commit_all();
        rig.crew.seal();
        rig.crew.compact();
        rig.clock.pass_ms(100);
    }
}

/// No edit, a bit of each file, and a frame that is longer than any file.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    // The third gave a frame an earlier time than its neighbours' while the engine believed it.
    let mut seeds = vec![vec![0], vec![1], vec![1, 3, 1, 26, 209, 132, 124, 96]];
    for file in 0..8 {
        seeds.push(vec![0, file, 1, 0, 80, 33, 0, 2]);
        seeds.push(vec![1, file, 1, 26, 64, 32, 0, 8]);
        seeds.push(vec![0, file, 7]);
    }
    seeds
}
