//! The server over a real socket, on a real data directory: operations, limits, stop, restart.

#![allow(clippy::unwrap_used, reason = "a test's helpers panic as its assertions do")]

#[path = "wire/fan_out.rs"]
mod fan_out;
#[path = "wire/http2.rs"]
mod http2;
#[path = "wire/queues.rs"]
mod queues;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Barrier};

use clap::Parser;
use flowstone_server::config::{Config, Flags};
use flowstone_server::server::Server;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A server in this process, stopped in order when dropped.
struct Running {
    runtime: Runtime,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    served: Option<JoinHandle<()>>,
}

impl Running {
    fn start(data: &std::path::Path, more: &[&str]) -> Running {
        let data = data.to_str().unwrap();
        let base = ["flowstone", "--listen", "127.0.0.1:0", "--data-dir", data];
        let flags = Flags::try_parse_from(base.iter().chain(more)).unwrap();
        let config = Config::resolve(flags).unwrap();
        let runtime = Runtime::new().unwrap();
        let server = runtime.block_on(Server::open(&config)).unwrap();
        let address = server.address().unwrap();
        let (stop, stopping) = watch::channel(false);
        let served = runtime.spawn(async move { server.serve(stopping).await.unwrap() });
        Running { runtime, address, stop, served: Some(served) }
    }

    /// Sends `text` and answers all that comes until the server closes.
    fn raw(&self, text: &str) -> String {
        let mut socket = TcpStream::connect(self.address).unwrap();
        socket.write_all(text.as_bytes()).unwrap();
        let mut answer = Vec::new();
        let _ = socket.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// One call, as an SDK makes it: the status and the document.
    fn call(&self, operation: &str, body: &Value) -> (u16, Value) {
        let body = body.to_string();
        let answer = self.raw(&format!(
            "POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{CREDENTIALS}\
             content-type: application/x-amz-json-1.1\r\n\
             x-amz-target: Kinesis_20131202.{operation}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ));
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains("x-amzn-requestid: ") && head.contains("x-amz-id-2: "), "{head}");
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let body = if body.is_empty() { Value::Null } else { serde_json::from_str(body).unwrap() };
        (status, body)
    }

    fn ok(&self, operation: &str, body: &Value) -> Value {
        let (status, answer) = self.call(operation, body);
        assert_eq!(status, 200, "{operation}: {answer}");
        answer
    }

    /// The error's type and message.
    fn refused(&self, operation: &str, body: &Value) -> (String, String) {
        let (status, answer) = self.call(operation, body);
        assert_eq!(status, 400, "{operation}: {answer}");
        let message = answer.get("message").or(answer.get("Message"));
        let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or("").to_owned();
        (text(answer.get("__type")), text(message))
    }

    fn iterator(&self, stream: &str, shard: u32, more: &Value) -> String {
        let mut body = json!({"StreamName": stream, "ShardId": format!("shardId-{shard:012}")});
        let more = more.as_object().unwrap().clone();
        body.as_object_mut().unwrap().extend(more);
        self.ok("GetShardIterator", &body)["ShardIterator"].as_str().unwrap().to_owned()
    }

    fn records(&self, iterator: &str) -> (Vec<String>, Value) {
        let answer = self.ok("GetRecords", &json!({"ShardIterator": iterator}));
        let records = answer["Records"].as_array().unwrap();
        let data = records.iter().map(|r| r["Data"].as_str().unwrap().to_owned()).collect();
        (data, answer)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.send(true).unwrap();
        if let Some(served) = self.served.take() {
            self.runtime.block_on(served).unwrap();
        }
    }
}

const CREDENTIALS: &str = "x-amz-date: 20260101T000000Z\r\nauthorization: AWS4-HMAC-SHA256 \
     Credential=AKIA/20260101/eu-west-1/kinesis/aws4_request, SignedHeaders=host, Signature=0\r\n";

#[test]
fn records_come_back_in_order_also_after_a_restart() {
    let data = tempfile::tempdir().unwrap();
    let server = Running::start(data.path(), &[]);
    server.ok("CreateStream", &json!({"StreamName": "s", "ShardCount": 2}));
    let summary = server.ok("DescribeStreamSummary", &json!({"StreamName": "s"}));
    let summary = &summary["StreamDescriptionSummary"];
    assert_eq!(summary["StreamStatus"], "ACTIVE");
    assert_eq!(summary["StreamARN"], "arn:aws:kinesis:eu-west-1:000000000000:stream/s");
    let mut numbers = Vec::new();
    for data in ["YQ==", "Yg==", "Yw=="] {
        let put = json!({"StreamName": "s", "Data": data, "PartitionKey": "k",
                         "ExplicitHashKey": "0"});
        let put = server.ok("PutRecord", &put);
        assert_eq!(put["ShardId"], "shardId-000000000000");
        numbers.push(put["SequenceNumber"].as_str().unwrap().to_owned());
    }
    assert!(numbers.is_sorted() && numbers.iter().all(|number| number.len() == 56));
    let horizon = json!({"ShardIteratorType": "TRIM_HORIZON"});
    let first = server.iterator("s", 0, &horizon);
    let (all, answer) = server.records(&first);
    assert_eq!(all, ["YQ==", "Yg==", "Yw=="]);
    assert_eq!(answer["MillisBehindLatest"], 0);
    assert_eq!(answer["Records"][1]["SequenceNumber"], numbers[1].as_str());
    assert_eq!(answer["Records"][1]["PartitionKey"], "k");
    assert!(answer["Records"][1]["ApproximateArrivalTimestamp"].is_f64());
    let next = answer["NextShardIterator"].as_str().unwrap();
    assert_ne!(next, first);
    assert_eq!(server.records(next).0.len(), 0);
    // The same iterators after a restart.
    let next = next.to_owned();
    drop(server);
    let server = Running::start(data.path(), &[]);
    assert_eq!(server.records(&first).0, all);
    assert_eq!(server.records(&format!("\"{next}\"").replace('"', "")).0.len(), 0);
    let at =
        json!({"ShardIteratorType": "AT_SEQUENCE_NUMBER", "StartingSequenceNumber": numbers[1]});
    assert_eq!(server.records(&server.iterator("s", 0, &at)).0, ["Yg==", "Yw=="]);
    let after =
        json!({"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": numbers[1]});
    assert_eq!(server.records(&server.iterator("s", 0, &after)).0, ["Yw=="]);
    let latest = server.iterator("s", 0, &json!({"ShardIteratorType": "LATEST"}));
    let put =
        json!({"StreamName": "s", "Data": "ZA==", "PartitionKey": "k", "ExplicitHashKey": "1"});
    let number = server.ok("PutRecord", &put)["SequenceNumber"].as_str().unwrap().to_owned();
    assert!(number > numbers[2]);
    assert_eq!(server.records(&latest).0, ["ZA=="]);
    let at_time = json!({"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": 1.5});
    assert_eq!(server.records(&server.iterator("s", 0, &at_time)).0.len(), 4);
}

#[test]
fn a_batch_keeps_each_shards_order_and_tells_each_outcome() {
    let data = tempfile::tempdir().unwrap();
    let server = Running::start(data.path(), &[]);
    server.ok("CreateStream", &json!({"StreamName": "s", "ShardCount": 3}));
    let records: Vec<_> = (0..500)
        .map(|i| json!({"Data": format!("{i:04}"), "PartitionKey": format!("key {i}")}))
        .collect();
    let arn = "arn:aws:kinesis:eu-west-1:000000000000:stream/s";
    let answer = server.ok("PutRecords", &json!({"Records": records, "StreamARN": arn}));
    assert_eq!(answer["FailedRecordCount"], 0);
    let outcomes = answer["Records"].as_array().unwrap();
    assert_eq!(outcomes.len(), 500);
    let mut read = 0;
    for shard in 0..3 {
        let horizon = json!({"ShardIteratorType": "TRIM_HORIZON"});
        let (data, answer) = server.records(&server.iterator("s", shard, &horizon));
        assert!(data.is_sorted() && !data.is_empty());
        read += data.len();
        for (data, record) in data.iter().zip(answer["Records"].as_array().unwrap()) {
            let outcome = &outcomes[data.parse::<usize>().unwrap()];
            assert_eq!(outcome["SequenceNumber"], record["SequenceNumber"]);
            assert_eq!(outcome["ShardId"], format!("shardId-{shard:012}"));
        }
    }
    assert_eq!(read, 500);
}

#[test]
fn refusals_are_the_services() {
    let data = tempfile::tempdir().unwrap();
    let server = Running::start(data.path(), &[]);
    let told = |operation, body| server.refused(operation, &body);
    let missing = "Stream no under account 000000000000 not found.".to_owned();
    assert_eq!(
        told("PutRecord", json!({"StreamName": "no", "Data": "", "PartitionKey": "k"})),
        ("ResourceNotFoundException".into(), missing)
    );
    server.ok("CreateStream", &json!({"StreamName": "s"}));
    let shards = server.ok("ListShards", &json!({"StreamName": "s", "MaxResults": 3}));
    assert_eq!(shards["Shards"].as_array().unwrap().len(), 3);
    let rest = server.ok("ListShards", &json!({"NextToken": shards["NextToken"]}));
    assert_eq!(rest["Shards"][0]["ShardId"], "shardId-000000000003");
    assert_eq!(told("CreateStream", json!({"StreamName": "s"})).0, "ResourceInUseException");
    assert_eq!(told("Nonsense", json!({})).0, "UnknownOperationException");
    assert_eq!(told("CreateChannel", json!({})).0, "InvalidArgumentException");
    assert_eq!(told("GetRecords", json!({"ShardIterator": "x"})).1, "Invalid ShardIterator.");
    assert_eq!(told("GetRecords", json!({})).0, "ValidationException");
    assert_eq!(told("PutRecords", json!({"StreamName": 1})).0, "SerializationException");
    let bad = json!({"StreamName": "s", "Records": [
        {"Data": "YQ==", "PartitionKey": "a"}, {"Data": "YQ", "PartitionKey": "a"}]});
    assert_eq!(told("PutRecords", bad).0, "SerializationException");
    let iterator = server.iterator("s", 0, &json!({"ShardIteratorType": "TRIM_HORIZON"}));
    assert_eq!(server.records(&iterator).0.len(), 0, "a refused batch leaves no trace");
    let dry = json!({"StreamName": "s", "Data": "", "PartitionKey": "k", "DryRun": true});
    assert_eq!(told("PutRecord", dry).0, "DryRunOperationException");
    let large = "A".repeat(1024 * 1024 / 3 * 4 + 8);
    let large = json!({"StreamName": "s", "Data": large, "PartitionKey": "k"});
    assert_eq!(told("PutRecord", large).0, "ValidationException");
    // A stream made anew under the same name does not honour the old one's iterators.
    server.ok("DeleteStream", &json!({"StreamName": "s"}));
    server.ok("CreateStream", &json!({"StreamName": "s"}));
    let body = json!({"ShardIterator": iterator});
    assert_eq!(told("GetRecords", body).0, "ResourceNotFoundException");
    let page = server.ok("ListStreams", &json!({"Limit": 1}));
    assert_eq!((&page["StreamNames"], &page["HasMoreStreams"]), (&json!(["s"]), &json!(false)));
}

#[test]
fn malformed_http_is_answered_in_the_services_order() {
    let data = tempfile::tempdir().unwrap();
    let server = Running::start(data.path(), &["--request-bytes-max", "1000"]);
    let starts = |request: &str, status: &str| {
        let answer = server.raw(request);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{request}\n{answer}");
        answer
    };
    let close = "host: x\r\nconnection: close\r\n";
    let json = "content-type: application/x-amz-json-1.1\r\n";
    let target = "x-amz-target: Kinesis_20131202.ListStreams\r\n";
    let health = starts(&format!("GET /health HTTP/1.1\r\n{close}\r\n"), "200");
    assert!(health.contains("\"status\":\"ok\""), "{health}");
    starts(&format!("GET / HTTP/1.1\r\n{close}\r\n"), "403");
    let preflight = format!("OPTIONS / HTTP/1.1\r\n{close}origin: a\r\n\r\n");
    let preflight = starts(&preflight, "200");
    assert!(preflight.contains("access-control-max-age: 172800"), "{preflight}");
    assert!(!preflight.contains("x-amz-id-2"), "{preflight}");
    let post = |more: &str, body: &str| {
        format!("POST / HTTP/1.1\r\n{close}{more}content-length: {}\r\n\r\n{body}", body.len())
    };
    starts(&post("", "{}"), "403");
    starts(&post(target, "{}"), "404");
    starts(&post(&format!("content-type: text/plain\r\n{target}"), "{}"), "404");
    let parameters = "content-type:  application/x-amz-json-1.1 ; charset=utf-8\r\n";
    let given = starts(&post(&format!("{parameters}{target}{CREDENTIALS}"), "{}"), "200");
    assert!(given.contains("content-type: application/x-amz-json-1.1\r\n"), "{given}");
    // What names no format is answered in CBOR, what names the old one with a 200.
    let nothing = starts(&post("", ""), "400");
    assert!(nothing.contains("content-type: application/x-amz-cbor-1.1\r\n"), "{nothing}");
    let old =
        |body| starts(&post(&format!("content-type: application/json\r\n{target}"), body), "200");
    assert!(old("{").contains("com.amazon.coral.service#SerializationException"));
    assert!(old("{}").contains("com.amazon.coral.service#UnknownOperationException"));
    let told = |request: &str| starts(request, "400");
    assert!(told(&post(json, "")).contains("UnknownOperationException"));
    assert!(told(&post(&format!("{json}{target}"), "")).contains("SerializationException"));
    assert!(told(&post(&format!("{json}{target}"), "{")).contains("SerializationException"));
    let missing = told(&post(&format!("{json}{target}"), "{}"));
    assert!(missing.contains("MissingAuthenticationTokenException"), "{missing}");
    // Too large: refused from the head alone, whether or not the body follows.
    let large =
        "POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 1001\r\n\r\n";
    starts(large, "413");
    let expects = format!(
        "POST / HTTP/1.1\r\n{close}{json}{target}{CREDENTIALS}expect: 100-continue\r\n\
         content-length: 2\r\n\r\n{{}}"
    );
    let continued = starts(&expects, "100");
    assert!(continued.contains("HTTP/1.1 200"), "{continued}");
    let chunked = format!(
        "POST / HTTP/1.1\r\n{close}{json}{target}{CREDENTIALS}transfer-encoding: chunked\r\n\r\n\
         1\r\n{{\r\n1\r\n}}\r\n0\r\n\r\n"
    );
    starts(&chunked, "200");
}

#[test]
fn a_body_must_be_the_one_whose_hash_the_request_declares() {
    // SHA-256 of `{}`.
    const OF_EMPTY_MAP: &str = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    let data = tempfile::tempdir().unwrap();
    let server = Running::start(data.path(), &[]);
    let list = |body: &str, hash: &str| {
        server.raw(&format!(
            "POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{CREDENTIALS}\
             content-type: application/x-amz-json-1.1\r\nx-amz-content-sha256: {hash}\r\n\
             x-amz-target: Kinesis_20131202.ListStreams\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ))
    };
    assert!(list("{}", OF_EMPTY_MAP).starts_with("HTTP/1.1 200"));
    assert!(list("{ }", "UNSIGNED-PAYLOAD").starts_with("HTTP/1.1 200"));
    let refused = list("{ }", OF_EMPTY_MAP);
    assert!(refused.starts_with("HTTP/1.1 400"), "{refused}");
    assert!(refused.contains("InvalidSignatureException"), "{refused}");
}

#[test]
fn slow_peers_are_let_go() {
    let data = tempfile::tempdir().unwrap();
    let server =
        Running::start(data.path(), &["--idle-timeout-ms", "100", "--head-timeout-ms", "100"]);
    let body = server.raw("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n{");
    assert!(body.starts_with("HTTP/1.1 408"), "{body}");
    let _ = server.raw("POST / HT");
}

#[test]
fn many_writers_are_served_at_once() {
    const WRITERS: usize = 16;
    const RECORDS: usize = 20;
    let data = tempfile::tempdir().unwrap();
    let server = Arc::new(Running::start(data.path(), &["--connections-max", "4"]));
    server.ok("CreateStream", &json!({"StreamName": "s", "ShardCount": 1}));
    let barrier = Arc::new(Barrier::new(WRITERS));
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (server, barrier) = (Arc::clone(&server), Arc::clone(&barrier));
            std::thread::spawn(move || {
                barrier.wait();
                for i in 0..RECORDS {
                    let data = format!("{writer:02}{i:02}");
                    let put = json!({"StreamName": "s", "Data": data, "PartitionKey": "k"});
                    server.ok("PutRecord", &put);
                }
            })
        })
        .collect();
    writers.into_iter().for_each(|writer| writer.join().unwrap());
    let horizon = json!({"ShardIteratorType": "TRIM_HORIZON"});
    let (data, _) = server.records(&server.iterator("s", 0, &horizon));
    assert_eq!(data.len(), WRITERS * RECORDS);
    for writer in 0..WRITERS {
        let own: Vec<_> = data.iter().filter(|d| d.starts_with(&format!("{writer:02}"))).collect();
        assert!(own.len() == RECORDS && own.is_sorted(), "{own:?}");
    }
}

#[test]
fn streams_of_the_configuration_are_made_once_and_then_left_alone() {
    let data = tempfile::tempdir().unwrap();
    let more = ["--region", "eu-west-1", "--stream", "a:2", "--stream", "b"];
    let server = Running::start(data.path(), &more);
    let open = |server: &Running, name| {
        let summary = server.ok("DescribeStreamSummary", &json!({"StreamName": name}));
        let summary = &summary["StreamDescriptionSummary"];
        (summary["OpenShardCount"].clone(), summary["StreamModeDetails"]["StreamMode"].clone())
    };
    assert_eq!(open(&server, "a"), (json!(2), json!("PROVISIONED")));
    assert_eq!(open(&server, "b"), (json!(4), json!("ON_DEMAND")));
    let put = json!({"StreamName": "a", "Data": "YQ==", "PartitionKey": "k",
                     "ExplicitHashKey": "0"});
    server.ok("PutRecord", &put);
    drop(server);
    let server = Running::start(data.path(), &["--region", "eu-west-1", "--stream", "a:3"]);
    assert_eq!(open(&server, "a"), (json!(2), json!("PROVISIONED")));
    let horizon = json!({"ShardIteratorType": "TRIM_HORIZON"});
    assert_eq!(server.records(&server.iterator("a", 0, &horizon)).0, ["YQ=="]);
}
