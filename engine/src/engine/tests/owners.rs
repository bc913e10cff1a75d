//! Compaction sorts: a shard with enough data gets segments of its own, the others share one.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

#[test]
fn large_shards_get_segments_of_their_own_and_small_ones_share() {
    let options = Options { journal_file_bytes: 2 << 20, commit_bytes_max: 1 << 20, ..small() };
    let clock = Arc::new(ManualClock::at(START));
    let mut rig = Rig::open_with(SimDisk::new(94), clock, 94, options).unwrap();
    let shards = rig.shards(4);
    let (mut rounds, mut seen) = (0u64, 0);
    // The second and the fourth are large.
    while rig.engine.status().segments < 8 {
        for (index, shard) in shards.iter().enumerate() {
            let bytes = if index % 2 == 1 { 400_000 } else { 1000 };
            rig.append(*shard, &vec![rounds.to_le_bytes()[0]; bytes]).unwrap();
        }
        rounds += 1;
        while rig.crew.seal() {}
        assert!(rounds < 100, "eight files are full at some time");
    }
    let next = rig.crew.shared.next_segment.load(Ordering::SeqCst);
    let most = Arc::new(AtomicUsize::new(0));
    let watched = Arc::clone(&most);
    rig.disk.watch(move |moment| {
        let disk = moment.snapshot();
        let is_there = |id: &u64| disk.read_raw(&format!("segments/{id:016x}.tmp")).is_some();
        watched.fetch_max((next..next + 8).filter(is_there).count(), Ordering::SeqCst);
    });
    for _ in 0..40 {
        rig.crew.compact();
    }
    assert_eq!(most.load(Ordering::SeqCst), 2, "one with an owner at a time, and the shared one");
    for (_, known) in rig.crew.shared.known_segments().iter().filter(|(_, k)| k.row.tier > 0) {
        let owners: Vec<_> = known.row.runs.iter().map(|run| ShardId(run.shard)).collect();
        let is_own = owners == [shards[1]] || owners == [shards[3]];
        assert!(is_own || owners == [shards[0], shards[2]], "{owners:?}");
        seen += 1;
    }
    assert_eq!(seen, 3, "one for each of the large, one for the others");
    let rig = rig.killed(1).unwrap();
    for shard in shards {
        let limit = ReadLimit { records: 1000, bytes: 100 << 20 };
        let read = rig.engine.read(shard, SeqNo(0), limit).unwrap();
        let firsts: Vec<_> = read.records().map(|r| u64::from(r.record.data[0])).collect();
        assert_eq!(firsts, (0..rounds).collect::<Vec<_>>());
    }
}
