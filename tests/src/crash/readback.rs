//! All records of all shards, as the server gives them.

use std::io;

use crate::crash::check::{ReadBack, Seen};
use crate::crash::ledger::{Sequence, Shard};
use crate::crash::record::decode;
use crate::kinesis::{Client, Failure};

/// Pages of one shard at most: a reader that does not come to an end has failed.
const PAGES_MAX: usize = 100_000;

/// Reads what is behind what `read` holds of each shard, and adds it.
pub fn read_on(
    client: &mut Client,
    streams: &[String],
    read: &mut ReadBack,
) -> Result<(), Failure> {
    for stream in streams {
        for shard in client.list_shards(stream)? {
            let shard = Shard { stream: stream.clone(), shard };
            let records = read.entry(shard.clone()).or_default();
            read_shard(client, &shard, records)?;
        }
    }
    Ok(())
}

fn read_shard(client: &mut Client, shard: &Shard, records: &mut Vec<Seen>) -> Result<(), Failure> {
    let after = records.last().map(|seen| seen.sequence.0.as_str());
    let mut iterator = client.shard_iterator(&shard.stream, &shard.shard, after)?;
    for _ in 0..PAGES_MAX {
        let page = client.read_page(&iterator)?;
        let is_end = page.records.is_empty() && page.millis_behind_latest == 0;
        records.extend(page.records.into_iter().map(|record| {
            let data = base64_simd::STANDARD.decode_to_vec(record.data.as_bytes());
            let name = data.ok().and_then(|data| decode(&data));
            Seen { sequence: Sequence(record.sequence_number), name }
        }));
        match page.next_shard_iterator {
            Some(next) if !is_end => iterator = next,
            _ => return Ok(()),
        }
    }
    Err(io::Error::other(format!("shard does not come to an end shard=`{shard}`")).into())
}
