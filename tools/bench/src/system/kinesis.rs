//! `PutRecord` and `PutRecords` in JSON over HTTP, for every server that speaks Kinesis.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

use super::http::Http;
use super::{BATCH_RECORDS, Operation};
use crate::payload::Payload;
use crate::stopwatch::Stopwatch;

/// The stream that is written to.
pub const STREAM: &str = "bench";

/// A stream that is not made or gone after this long will not be.
const CREATING_MAX: Duration = Duration::from_secs(60);
/// Between two looks at it: the real service allows some a second.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Different single puts that a connection sends in turn.
const SINGLES: usize = 64;
/// The same of large records.
const LARGE_SINGLES: usize = 4;
/// Different batches that a connection sends in turn.
const BATCHES: usize = 8;

/// What SDKs send beside the operation: as many headers, of such lengths.
const HEADERS: [(&str, &str); 4] = [
    ("content-type", "application/x-amz-json-1.1"),
    ("x-amz-date", "20260101T000000Z"),
    (
        "authorization",
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/eu-west-1/kinesis/aws4_request, \
         SignedHeaders=content-type;host;x-amz-date;x-amz-target, \
         Signature=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    ),
    ("user-agent", "aws-sdk/2.30 md/bench os/linux lang/rust api/kinesis"),
];

/// Requests, ready to be sent; shared by all connections.
#[derive(Debug)]
pub struct Requests {
    singles: Vec<Vec<u8>>,
    batches: Vec<Vec<u8>>,
}

impl Requests {
    /// Puts of records of `record_bytes` bytes, with keys all over the shards.
    #[must_use]
    pub fn new(record_bytes: usize) -> Arc<Requests> {
        Requests::of(record_bytes, (SINGLES, BATCHES), Body::Plain)
    }

    /// Batches alone, which say what SHA-256 their bodies have: whoever is told so computes it.
    #[must_use]
    pub fn hashed_batches(record_bytes: usize) -> Arc<Requests> {
        Requests::of(record_bytes, (0, BATCHES), Body::Hashed)
    }

    /// A few single puts alone, of large records.
    #[must_use]
    pub fn singles(record_bytes: usize) -> Arc<Requests> {
        Requests::of(record_bytes, (LARGE_SINGLES, 0), Body::Plain)
    }

    fn of(record_bytes: usize, (singles, batches): (usize, usize), how: Body) -> Arc<Requests> {
        let mut payload = Payload::new(1);
        let mut number = 0u64;
        let mut record = || {
            number += 1;
            let data = base64_simd::STANDARD.encode_to_string(payload.record(record_bytes));
            (format!("device-{number:08}"), data)
        };
        let singles = (0..singles).map(|_| {
            let (key, data) = record();
            let body = json!({"StreamName": STREAM, "PartitionKey": key, "Data": data});
            request_with("PutRecord", &body, how)
        });
        let singles = singles.collect();
        let batches = (0..batches).map(|_| {
            let records = (0..BATCH_RECORDS).map(|_| {
                let (key, data) = record();
                json!({"PartitionKey": key, "Data": data})
            });
            let records: Vec<Value> = records.collect();
            request_with("PutRecords", &json!({"StreamName": STREAM, "Records": records}), how)
        });
        Arc::new(Requests { singles, batches: batches.collect() })
    }
}

/// What a request says of its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Body {
    Plain,
    /// Its SHA-256 too.
    Hashed,
}

/// The bytes of a request.
#[must_use]
pub fn request(operation: &str, body: &Value) -> Vec<u8> {
    request_with(operation, body, Body::Plain)
}

fn request_with(operation: &str, body: &Value, how: Body) -> Vec<u8> {
    let body = body.to_string();
    let mut request = "POST / HTTP/1.1\r\nhost: localhost\r\n".to_owned();
    for (name, value) in HEADERS {
        request += &format!("{name}: {value}\r\n");
    }
    if how == Body::Hashed {
        let hash = digest(&SHA256, body.as_bytes());
        let digits: String = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        request += &format!("x-amz-content-sha256: {digits}\r\n");
    }
    request += &format!(
        "x-amz-target: Kinesis_20131202.{operation}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    request.into_bytes()
}

/// A connection.
#[derive(Debug)]
pub struct Connection {
    http: Http,
    requests: Arc<Requests>,
    next: usize,
}

impl Connection {
    /// Connects; `number` tells connections apart, which begin with different requests.
    pub async fn open(
        server: SocketAddr,
        requests: &Arc<Requests>,
        number: usize,
    ) -> io::Result<Connection> {
        Ok(Connection {
            http: Http::open(server).await?,
            requests: Arc::clone(requests),
            next: number * 5,
        })
    }

    /// See [`super::Connection::run`].
    pub async fn run(&mut self, operation: Operation) -> io::Result<()> {
        let Connection { http, requests, next } = self;
        *next += 1;
        let ready = match operation {
            Operation::Single => &requests.singles,
            Operation::Batch => &requests.batches,
        };
        let request = ready.get(*next % ready.len().max(1));
        let request = request.ok_or_else(|| io::Error::other("no such request was made"))?;
        match operation {
            Operation::Single => http.call(request, |_| Ok(())).await,
            Operation::Batch => http.call(request, all_taken).await,
        }
    }
}

/// Every record of a batch was acknowledged.
fn all_taken(body: &[u8]) -> io::Result<()> {
    const COUNT: &[u8] = b"\"FailedRecordCount\"";
    let count = body.windows(COUNT.len()).position(|bytes| bytes == COUNT);
    let count = count.map(|at| body[at + COUNT.len()..].trim_ascii_start());
    let count = count.and_then(|rest| rest.strip_prefix(b":")).map(<[u8]>::trim_ascii_start);
    match count {
        Some([b'0', ..]) => Ok(()),
        _ => {
            let said = String::from_utf8_lossy(&body[..body.len().min(300)]).into_owned();
            Err(io::Error::other(format!("records were refused: {said}")))
        }
    }
}

/// Calls an operation once.
pub async fn call(http: &mut Http, operation: &str, body: &Value) -> io::Result<Value> {
    let read = |body: &[u8]| match body {
        [] => Ok(Value::Null),
        body => serde_json::from_slice(body).map_err(io::Error::other),
    };
    http.call(&request(operation, body), read).await
}

/// Makes a stream with `shards` shards, and waits until it is there.
pub async fn create_stream(server: SocketAddr, stream: &str, shards: usize) -> io::Result<()> {
    let mut http = Http::open(server).await?;
    call(&mut http, "CreateStream", &json!({"StreamName": stream, "ShardCount": shards})).await?;
    let time = Stopwatch::start();
    loop {
        let name = json!({"StreamName": stream});
        let summary = call(&mut http, "DescribeStreamSummary", &name).await?;
        let status = &summary["StreamDescriptionSummary"]["StreamStatus"];
        match status.as_str() {
            Some("ACTIVE") => return Ok(()),
            Some("CREATING") if time.elapsed() < CREATING_MAX => {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
            _ => return Err(io::Error::other(format!("the stream is {status}"))),
        }
    }
}

/// Deletes a stream, and waits until it is gone.
pub async fn delete_stream(server: SocketAddr, stream: &str) -> io::Result<()> {
    let mut http = Http::open(server).await?;
    let name = json!({"StreamName": stream});
    call(&mut http, "DeleteStream", &name).await?;
    let time = Stopwatch::start();
    // There is a summary as long as there is a stream.
    while call(&mut http, "DescribeStreamSummary", &name).await.is_ok() {
        if time.elapsed() > CREATING_MAX {
            return Err(io::Error::other("the stream is not deleted"));
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    Ok(())
}
