//! All records of all shards, as the server gives them: parents before children.

use std::collections::BTreeSet;
use std::io;

use crate::kill::check::{ReadBack, Seen};
use crate::kill::ledger::{Sequence, Shard};
use crate::kill::record::decode_read;
use crate::kinesis::{Client, Failure, ListedShard};

/// Pages of one shard at most: a reader that does not come to an end has failed.
const PAGES_MAX: usize = 100_000;

/// One who reads streams from their beginning, now and then a little more.
#[derive(Debug, Default)]
pub struct Reader {
    /// All that it read.
    pub read: ReadBack,
    /// Shards that it read to their end: they are closed.
    pub finished: BTreeSet<Shard>,
}

impl Reader {
    /// Reads what is behind what it has of each shard.
    pub fn read_on(&mut self, client: &mut Client, streams: &[String]) -> Result<(), Failure> {
        for stream in streams {
            let of_stream = |shard: &String| Shard { stream: stream.clone(), shard: shard.clone() };
            for listed in client.list_shards(stream)? {
                let shard = of_stream(&listed.shard_id);
                if self.finished.contains(&shard) {
                    continue;
                }
                // The verdict takes shards in the order of their names.
                let mut parents = listed.parents().map(of_stream);
                if parents.any(|it| it >= shard || !self.finished.contains(&it)) {
                    return Err(wrong("comes before its parents' ends", &shard));
                }
                self.read_shard(client, shard, &listed)?;
            }
        }
        Ok(())
    }

    fn read_shard(
        &mut self,
        client: &mut Client,
        shard: Shard,
        listed: &ListedShard,
    ) -> Result<(), Failure> {
        let records = self.read.entry(shard.clone()).or_default();
        let after = records.last().map(|seen| seen.sequence.0.as_str());
        let mut iterator = client.shard_iterator(&shard.stream, &shard.shard, after)?;
        for _ in 0..PAGES_MAX {
            let page = client.read_page(&iterator)?;
            let is_end = page.records.is_empty() && page.millis_behind_latest == 0;
            records.extend(page.records.into_iter().map(|record| Seen {
                name: decode_read(&record.partition_key, &record.data),
                sequence: Sequence(record.sequence_number),
            }));
            match page.next_shard_iterator {
                Some(_) if is_end && listed.is_closed() => {
                    return Err(wrong("is closed and does not end", &shard));
                }
                Some(_) if is_end => return Ok(()),
                Some(next) => iterator = next,
                None if listed.is_closed() => {
                    self.finished.insert(shard);
                    return Ok(());
                }
                None => return Err(wrong("is open and ends", &shard)),
            }
        }
        Err(wrong("does not come to an end", &shard))
    }
}

fn wrong(what: &str, shard: &Shard) -> Failure {
    io::Error::other(format!("a shard {what} shard=`{shard}`")).into()
}
