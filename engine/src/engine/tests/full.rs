//! A full disk: appends are refused, everything else goes on, nothing is lost.

use super::*;
use crate::catalog::Transaction;
use crate::error::ErrorKind;

/// Bytes on a simulated disk.
fn used(disk: &SimDisk) -> u64 {
    let lengths = disk.file_names().into_iter().filter_map(|name| disk.read_raw(&name));
    lengths.map(|bytes| bytes.len() as u64).sum()
}

#[test]
fn a_full_disk_refuses_appends_serves_reads_and_recovers_by_itself() {
    let mut rig = Rig::fresh(11);
    let shards = rig.shards(2);
    rig.append(shards[0], &[0; 3000]).unwrap();
    rig.disk.set_capacity(used(&rig.disk));

    let mut acked = vec![vec![0; 3000]];
    let refused = loop {
        let data = vec![u8::try_from(acked.len() % 200).unwrap(); 3000];
        match rig.append(shards[0], &data) {
            Ok(_) => acked.push(data),
            Err(error) => break error,
        }
        assert!(acked.len() < 10_000, "a full disk has to show at some time");
    };
    assert_eq!(refused.kind(), ErrorKind::Full, "{refused}");
    assert!(rig.engine.status().is_full);
    assert_eq!(rig.read_all(shards[0]).unwrap(), acked);
    rig.engine.delete_shards(&[shards[1]], Transaction::new()).unwrap();

    rig.disk.set_capacity(u64::MAX);
    while rig.crew.seal() {}
    let data = b"room again".to_vec();
    rig.append(shards[0], &data).unwrap();
    acked.push(data);
    assert!(!rig.engine.status().is_full);
    let rig = rig.crashed(1).unwrap();
    assert_eq!(rig.read_all(shards[0]).unwrap(), acked);
}

#[test]
fn a_full_disk_does_not_keep_the_engine_from_starting() {
    let mut rig = Rig::fresh(12);
    let shard = rig.shards(1)[0];
    rig.append(shard, b"kept").unwrap();
    let disk = rig.disk.kill();
    disk.set_capacity(used(&disk));
    let rig = Rig::open(disk, rig.clock, 1).unwrap();
    assert_eq!(rig.read_all(shard).unwrap(), [b"kept".to_vec()]);
}
