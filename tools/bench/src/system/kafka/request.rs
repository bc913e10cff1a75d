//! The bytes of requests, each behind its length.

use std::sync::Arc;

use super::PARTITIONS;
use super::batch::{batch, length};
use crate::payload::Payload;
use crate::system::BATCH_RECORDS;

/// The topic that is written to.
pub(super) const TOPIC: &str = "bench";

/// Different requests of a kind: some for each partition.
const KINDS: usize = 2 * PARTITIONS;

/// Every replica that is in sync acknowledges.
const ACKS_ALL: i16 = -1;
/// How long the broker may wait for them.
const TIMEOUT_MS: i32 = 30_000;

/// A request's number and version.
struct Api(i16, i16);

const PRODUCE: Api = Api(0, 3);
const METADATA: Api = Api(3, 1);

/// Requests, ready to be sent; shared by all connections.
#[derive(Debug)]
pub struct Requests {
    pub(super) singles: Vec<Vec<u8>>,
    pub(super) batches: Vec<Vec<u8>>,
}

impl Requests {
    /// Records of `record_bytes` bytes: each request is for the partition after the last one's.
    #[must_use]
    pub fn new(record_bytes: usize) -> Arc<Requests> {
        let mut payload = Payload::new(1);
        let mut requests = |records: usize| {
            let request = |kind: usize| {
                let values: Vec<_> = (0..records).map(|_| payload.record(record_bytes)).collect();
                produce(kind % PARTITIONS, &values)
            };
            (0..KINDS).map(request).collect()
        };
        Arc::new(Requests { singles: requests(1), batches: requests(BATCH_RECORDS) })
    }
}

/// Asks about the topic. A broker makes one that is not there.
pub(super) fn metadata() -> Vec<u8> {
    let mut body = 1i32.to_be_bytes().to_vec(); // topics
    string(TOPIC, &mut body);
    request(&METADATA, &body)
}

/// Records for a partition, in one batch.
pub(super) fn produce(partition: usize, values: &[Vec<u8>]) -> Vec<u8> {
    let batch = batch(values);
    let mut body = (-1i16).to_be_bytes().to_vec(); // no transaction
    body.extend_from_slice(&ACKS_ALL.to_be_bytes());
    body.extend_from_slice(&TIMEOUT_MS.to_be_bytes());
    body.extend_from_slice(&1i32.to_be_bytes()); // topics
    string(TOPIC, &mut body);
    body.extend_from_slice(&1i32.to_be_bytes()); // partitions
    body.extend_from_slice(&length(partition).to_be_bytes());
    body.extend_from_slice(&length(batch.len()).to_be_bytes());
    body.extend_from_slice(&batch);
    request(&PRODUCE, &body)
}

fn request(&Api(number, version): &Api, body: &[u8]) -> Vec<u8> {
    let mut head = number.to_be_bytes().to_vec();
    head.extend_from_slice(&version.to_be_bytes());
    head.extend_from_slice(&0i32.to_be_bytes()); // what the answer is recognized by
    string("flowstone-bench", &mut head);
    let mut request = length(head.len() + body.len()).to_be_bytes().to_vec();
    request.extend_from_slice(&head);
    request.extend_from_slice(body);
    request
}

fn string(text: &str, out: &mut Vec<u8>) {
    let bytes = i16::try_from(text.len()).expect("names here are short");
    out.extend_from_slice(&bytes.to_be_bytes());
    out.extend_from_slice(text.as_bytes());
}
