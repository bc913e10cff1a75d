//! The API calls that the tests make. Signatures are dummies: the server takes them unverified.

use std::fmt;
use std::io;
use std::net::SocketAddr;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::http::Connection;

mod queues;
mod shards;

pub use queues::{QueueRecord, Receive};
pub use shards::{HashKeyRange, ListedShard, SequenceNumberRange};

const HEADERS: &str = "content-type: application/x-amz-json-1.1\r\n\
    x-amz-date: 20260101T000000Z\r\n\
    authorization: AWS4-HMAC-SHA256 \
    Credential=AKIDEXAMPLE/20260101/us-east-1/kinesis/aws4_request, \
    SignedHeaders=host;x-amz-date;x-amz-target, \
    Signature=0000000000000000000000000000000000000000000000000000000000000000\r\n";

/// A call that was not answered with success.
#[derive(Debug)]
pub enum Failure {
    /// No answer: the request may or may not have been carried out.
    Connection(io::Error),
    /// The service's error.
    Service {
        /// The HTTP status.
        status: u16,
        /// The error's body: its type and message.
        body: String,
    },
}

impl Failure {
    /// Whether it is an answer.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(self, Failure::Service { .. })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Connection(error) => write!(f, "no answer: {error}"),
            Failure::Service { status, body } => write!(f, "status={status} {body}"),
        }
    }
}

impl std::error::Error for Failure {}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::Connection(error)
    }
}

/// Where a record is. Sequence numbers are decimal numbers too long for integers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Placed {
    /// The shard's name.
    pub shard_id: Option<String>,
    /// The sequence number.
    pub sequence_number: Option<String>,
    /// Why this one of several records was refused.
    pub error_code: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Placements {
    records: Vec<Placed>,
}

/// A record read back.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ReadRecord {
    /// The sequence number.
    pub sequence_number: String,
    /// The key.
    pub partition_key: String,
    /// The data in base64.
    pub data: String,
}

/// One answer of `GetRecords`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ReadPage {
    /// The records.
    pub records: Vec<ReadRecord>,
    /// Where to go on.
    pub next_shard_iterator: Option<String>,
    /// How far this is from the end; 0 at the end.
    pub millis_behind_latest: u64,
}

/// A client with a connection of its own.
#[derive(Debug)]
pub struct Client {
    server: SocketAddr,
    connection: Option<Connection>,
}

impl Client {
    /// A client of `server`. Connects at the first call, and again after a failed one.
    #[must_use]
    pub fn new(server: SocketAddr) -> Client {
        Client { server, connection: None }
    }

    /// Calls `operation`.
    pub fn call<T: DeserializeOwned>(
        &mut self,
        operation: &str,
        input: &Value,
    ) -> Result<T, Failure> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => Connection::open(self.server)?,
        };
        let headers = format!("{HEADERS}x-amz-target: Kinesis_20131202.{operation}\r\n");
        let response = connection.send("POST", "/", &headers, input.to_string().as_bytes())?;
        self.connection = Some(connection);
        let is_success = response.status == 200;
        if !is_success {
            let body = String::from_utf8_lossy(&response.body).into_owned();
            return Err(Failure::Service { status: response.status, body });
        }
        let body = if response.body.is_empty() { b"null" } else { response.body.as_slice() };
        serde_json::from_slice(body).map_err(|error| Failure::Connection(error.into()))
    }

    /// Makes a stream.
    pub fn create_stream(&mut self, stream: &str, shards: usize) -> Result<(), Failure> {
        let input = json!({"StreamName": stream, "ShardCount": shards});
        self.call::<Value>("CreateStream", &input).map(|_| ())
    }

    /// Whether the stream takes records.
    pub fn is_active(&mut self, stream: &str) -> Result<bool, Failure> {
        let input = json!({"StreamName": stream});
        let answer: Value = self.call("DescribeStreamSummary", &input)?;
        Ok(answer["StreamDescriptionSummary"]["StreamStatus"] == "ACTIVE")
    }

    /// Puts one record.
    pub fn put_record(&mut self, stream: &str, key: &str, data: &[u8]) -> Result<Placed, Failure> {
        let data = base64_simd::STANDARD.encode_to_string(data);
        let input = json!({"StreamName": stream, "PartitionKey": key, "Data": data});
        self.call("PutRecord", &input)
    }

    /// Puts several.
    pub fn put_records(
        &mut self,
        stream: &str,
        records: &[(String, Vec<u8>)],
    ) -> Result<Vec<Placed>, Failure> {
        let records: Vec<_> = records
            .iter()
            .map(|(key, data)| {
                let data = base64_simd::STANDARD.encode_to_string(data);
                json!({"PartitionKey": key, "Data": data})
            })
            .collect();
        let input = json!({"StreamName": stream, "Records": records});
        self.call::<Placements>("PutRecords", &input).map(|answer| answer.records)
    }

    /// An iterator behind `after`, or at the oldest record.
    pub fn shard_iterator(
        &mut self,
        stream: &str,
        shard: &str,
        after: Option<&str>,
    ) -> Result<String, Failure> {
        let mut input = json!({
            "StreamName": stream, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON",
        });
        if let Some(after) = after {
            input["ShardIteratorType"] = json!("AFTER_SEQUENCE_NUMBER");
            input["StartingSequenceNumber"] = json!(after);
        }
        let answer: Value = self.call("GetShardIterator", &input)?;
        let iterator = answer["ShardIterator"].as_str().map(ToOwned::to_owned);
        iterator.ok_or_else(|| Failure::Connection(io::Error::other("answer has no iterator")))
    }

    /// The next records.
    pub fn read_page(&mut self, iterator: &str) -> Result<ReadPage, Failure> {
        self.call("GetRecords", &json!({"ShardIterator": iterator}))
    }
}
