//! The bytes of a record, and telling from bytes which record they are.

use std::sync::Arc;

use flowstone_engine::types::{SeqNo, ShardId};

use super::{Breach, History, Issued};
use crate::verdict::Broken;

impl History {
    /// A record that was never issued before, of about `bytes` bytes.
    pub fn issue(&mut self, shard: ShardId, bytes: usize) -> Vec<u8> {
        let number = self.next_record();
        let mut data = format!("{shard}/{number}/").into_bytes();
        data.resize(data.len().max(bytes), filler(number));
        let bytes = u32::try_from(data.len()).expect("simulated records are small");
        Arc::make_mut(&mut self.issued).push(Issued { shard, bytes });
        data
    }

    /// Which record `data` is, if it is one that was put to `shard`.
    pub(super) fn number_of(&self, shard: ShardId, data: &[u8]) -> Result<u64, Breach> {
        let name = || String::from_utf8_lossy(&data[..data.len().min(24)]).into_owned();
        let phantom =
            |what: &str| Breach::at(Broken::Phantom, shard, format!("{what}: {}", name()));
        let mut parts = data.splitn(3, |byte| *byte == b'/');
        let mut next = || std::str::from_utf8(parts.next()?).ok();
        let of = next().ok_or_else(|| phantom("no record of ours"))?;
        let number: Option<u64> = next().and_then(|number| number.parse().ok());
        let number = number.ok_or_else(|| phantom("no record of ours"))?;
        let issued = usize::try_from(number).ok().and_then(|number| self.issued.get(number));
        let rest = &data[of.len() + digits(number) + 2..];
        match issued {
            None => Err(phantom("never issued")),
            Some(issued) if issued.shard != shard || of.parse() != Ok(shard.0) => {
                Err(phantom("of another shard"))
            }
            Some(issued)
                if issued.bytes as usize != data.len() || !is_all(rest, filler(number)) =>
            {
                let what = format!("{}, of {} bytes", name(), data.len());
                Err(Breach::at(Broken::WrongBytes, shard, what))
            }
            Some(_) => Ok(number),
        }
    }
}

/// Reads records of one shard: each must be one that was put, and behind those put before.
pub(super) struct Reading<'a> {
    history: &'a History,
    shard: ShardId,
    before: Option<u64>,
}

impl Reading<'_> {
    pub(super) fn of(history: &History, shard: ShardId) -> Reading<'_> {
        Reading { history, shard, before: None }
    }

    pub(super) fn next(&mut self, seq: SeqNo, data: &[u8]) -> Result<u64, Breach> {
        let number = self.history.number_of(self.shard, data)?;
        if let Some(before) = self.before.replace(number)
            && number <= before
        {
            let broken = if number == before { Broken::Duplicated } else { Broken::Reordered };
            let what = format!("record {number} at {seq}, behind {before}");
            return Err(Breach::at(broken, self.shard, what));
        }
        Ok(number)
    }
}

fn filler(number: u64) -> u8 {
    u8::try_from(number % 251).expect("below 251")
}

fn digits(number: u64) -> usize {
    number.checked_ilog10().unwrap_or(0) as usize + 1
}

/// Whether all of `bytes` are `byte`.
fn is_all(bytes: &[u8], byte: u8) -> bool {
    // PERF: without an early end, so that it is done sixteen bytes at a time.
    bytes.iter().fold(0, |other, this| other | (this ^ byte)) == 0
}
