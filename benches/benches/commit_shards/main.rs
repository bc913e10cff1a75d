//! Commits over 1, 100, 1,000 and 10,000 shards with a flush before each acknowledgement, beside
//! bare loops of write and fdatasync of the same bytes, as ratios, in one run.
//!
//! | file        | owns |
//! |-------------|------|
//! | `bare.rs`   | write + fdatasync of as many bytes, into one growing or recycled file |
//! | `files.rs`  | the same with a file and an fdatasync per shard |
//! | `measure.rs`| rounds of all contestants in turn, and their medians |
//! | `table.rs`  | the Markdown table |
//!
//! One round is one append to each shard, all acknowledged. All contestants of a shard count take
//! turns round by round, so that the disk's moods hit them alike. Every shard count writes the
//! same payload bytes a round.
//!
//! `cargo bench -p flowstone-benches --bench commit_shards [-- --quick]`

mod bare;
mod files;
mod measure;
mod table;

use flowstone_benches::opened::Opened;
use flowstone_engine::Options;

/// Payload of one round.
const ROUND_PAYLOAD_BYTES: usize = 1 << 20;

fn main() {
    // Under `cargo test` there is no `--bench`: run tiny.
    let is_tiny = !std::env::args().any(|arg| arg == "--bench");
    let is_quick = std::env::args().any(|arg| arg == "--quick");
    let (shard_counts, rounds): (&[usize], usize) = match (is_tiny, is_quick) {
        (true, _) => (&[1, 10], 2),
        (_, true) => (&[1, 100, 1_000, 10_000], 8),
        _ => (&[1, 100, 1_000, 10_000], 40),
    };
    let most = shard_counts.iter().copied().max().unwrap_or(1);
    let options = Options {
        journal_file_bytes: if is_tiny { 4 << 20 } else { 96 << 20 },
        ..Options::default()
    };
    let opened = Opened::fresh(most, options).expect("a scratch directory takes an engine");
    let rows: Vec<_> = shard_counts
        .iter()
        .map(|shards| {
            measure::row(&opened, *shards, ROUND_PAYLOAD_BYTES, rounds)
                .expect("the disk takes a bench")
        })
        .collect();
    table::print(&rows, opened.engine().status().disk).expect("somebody reads the table");
    opened.close().expect("an engine that worked can close");
}
