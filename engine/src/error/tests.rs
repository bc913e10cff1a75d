//! What an error tells its reader, and whoever walks its causes.

use std::error::Error as _;
use std::io;

use super::*;

#[test]
fn an_error_names_its_cause_to_whoever_walks_the_causes() {
    let error = Error::io("reading a file", io::Error::other("bad sector"));
    assert_eq!(error.source().map(ToString::to_string).as_deref(), Some("bad sector"));
    assert!(Error::new(ErrorKind::Invalid, "no").source().is_none());
}

#[test]
fn an_error_of_a_closed_shard_is_told_from_one_of_a_closed_engine() {
    let closed = |kind| Error::new(kind, "no");
    assert!(closed(ErrorKind::Closed).in_shard(ShardId(1)).is_shard_closed());
    assert!(!closed(ErrorKind::Closed).is_shard_closed());
    assert!(!closed(ErrorKind::NotFound).in_shard(ShardId(1)).is_shard_closed());
}
