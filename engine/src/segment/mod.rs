//! Stub.
use crate::error::{Error, ErrorKind, Result};
use crate::frame::Frame;
use crate::io::Disk;
use crate::types::{SegmentId, SeqNo, ShardId, Timestamp};
use std::path::{Path, PathBuf};
use std::sync::Arc;
pub const SEGMENT_DIR: &str = "segments";
pub fn segment_path(id: SegmentId) -> PathBuf {
    Path::new(SEGMENT_DIR).join(format!("{:016x}.seg", id.0))
}
pub fn segment_of(name: &str) -> Option<SegmentId> {
    u64::from_str_radix(name.strip_suffix(".seg")?, 16).ok().map(SegmentId)
}
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Compression {
    Stored,
    Zstd,
}
pub enum Keep {
    Drop,
    From(SeqNo),
}
#[derive(Debug, Clone)]
pub struct RunSummary {
    pub shard: ShardId,
    pub first_seq: SeqNo,
    pub end_seq: SeqNo,
    pub last_arrival: Timestamp,
    pub raw_bytes: u64,
}
#[derive(Debug, Clone)]
pub struct SegmentSummary {
    pub id: SegmentId,
    pub bytes: u64,
    pub raw_bytes: u64,
    pub runs: Vec<RunSummary>,
}
#[derive(Debug)]
pub struct Segment {}
impl Segment {
    pub fn open(_: &Arc<dyn Disk>, _: SegmentId) -> Result<Segment> {
        Err(no())
    }
    pub fn frames(&self, _: ShardId, _: SeqNo, _: usize, _: &BlockCache) -> Result<Vec<Frame>> {
        Err(no())
    }
    pub fn seek_time(&self, _: ShardId, _: Timestamp, _: &BlockCache) -> Result<Option<SeqNo>> {
        Err(no())
    }
    pub fn runs(&self) -> impl Iterator<Item = RunSummary> {
        Vec::new().into_iter()
    }
}
fn no() -> Error {
    Error::new(ErrorKind::Unavailable, "stub")
}
pub struct SegmentWriter {}
impl SegmentWriter {
    pub fn create(
        _: &Arc<dyn Disk>,
        _: SegmentId,
        _: Compression,
        _: usize,
    ) -> Result<SegmentWriter> {
        Err(no())
    }
    pub fn push(&mut self, _: &Frame) -> Result<()> {
        Err(no())
    }
    pub fn finish(self) -> Result<SegmentSummary> {
        Err(no())
    }
}
#[derive(Debug)]
pub struct BlockCache {}
impl BlockCache {
    pub fn new(_: usize) -> BlockCache {
        BlockCache {}
    }
}
pub fn merge(
    _: &[Arc<Segment>],
    _: impl Fn(ShardId) -> Keep,
) -> Result<impl Iterator<Item = Result<Frame>>> {
    Ok(Vec::new().into_iter())
}
