//! Subscriptions over real sockets: readers that do not read hold up nobody else.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use flowstone_server::wire::event_stream;
use serde_json::{Value, json};

use crate::http2::{JSON, connect, request, whole};
use crate::{CREDENTIALS, Running};

/// Readers that do not read, over each protocol.
const STALLED: usize = 4;

/// Records of one call, and what each carries: together more than a socket takes in by itself.
const PUTS: usize = 24;
const RECORDS_PER_PUT: usize = 64;
const RECORD_BYTES: usize = 8 * 1024;

/// A reader that gets nothing for so long has been held up.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

const ARN: &str = "arn:aws:kinesis:eu-west-1:000000000000:stream/s";

fn subscription(server: &Running, consumer: &str) -> Value {
    let register = json!({"StreamARN": ARN, "ConsumerName": consumer});
    let made = server.ok("RegisterStreamConsumer", &register);
    json!({
        "ConsumerARN": made["Consumer"]["ConsumerARN"],
        "ShardId": "shardId-000000000000",
        "StartingPosition": {"Type": "TRIM_HORIZON"},
    })
}

/// Subscribes over a connection of its own, and does not read.
fn subscribe(server: &Running, consumer: &str) -> TcpStream {
    let body = subscription(server, consumer).to_string();
    let mut socket = TcpStream::connect(server.address).unwrap();
    socket.set_read_timeout(Some(READ_TIMEOUT)).unwrap();
    let head = format!(
        "POST / HTTP/1.1\r\nhost: x\r\n{CREDENTIALS}content-type: {JSON}\r\n\
         x-amz-target: Kinesis_20131202.SubscribeToShard\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    socket.write_all((head + &body).as_bytes()).unwrap();
    socket
}

/// Reads records until there are `count`, and answers the numbers that they begin with.
fn read_numbers(mut socket: TcpStream, count: usize) -> Vec<u64> {
    let (mut raw, mut frames, mut numbers) = (Vec::new(), Vec::new(), Vec::new());
    let mut is_head = true;
    let mut buffer = vec![0; 256 * 1024];
    while numbers.len() < count {
        let bytes = socket.read(&mut buffer).unwrap();
        assert!(bytes > 0, "the subscription ended after {} records", numbers.len());
        raw.extend_from_slice(&buffer[..bytes]);
        if is_head {
            let Some(end) = raw.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
            assert!(raw.starts_with(b"HTTP/1.1 200"));
            raw.drain(..end + 4);
            is_head = false;
        }
        while let Some(line) = raw.windows(2).position(|two| two == b"\r\n") {
            let size = std::str::from_utf8(&raw[..line]).unwrap();
            let end = line + 2 + usize::from_str_radix(size, 16).unwrap();
            let Some(chunk) = raw.get(line + 2..end) else { break };
            if raw.len() < end + 2 {
                break;
            }
            frames.extend_from_slice(chunk);
            raw.drain(..end + 2);
        }
        while let Some(message) = event_stream::decode(&frames).unwrap() {
            let event: Value = serde_json::from_slice(message.payload).unwrap();
            for record in event["Records"].as_array().into_iter().flatten() {
                let data = record["Data"].as_str().unwrap();
                let data = base64_simd::STANDARD.decode_to_vec(data).unwrap();
                numbers.push(u64::from_le_bytes(*data.first_chunk().unwrap()));
            }
            let bytes = message.frame_bytes;
            frames.drain(..bytes);
        }
    }
    numbers
}

fn put_all(server: &Running) {
    for put in 0..PUTS {
        let records = (0..RECORDS_PER_PUT).map(|place| {
            let mut data = vec![b'x'; RECORD_BYTES];
            data[..8].copy_from_slice(&((put * RECORDS_PER_PUT + place) as u64).to_le_bytes());
            let data = base64_simd::STANDARD.encode_to_string(data);
            json!({"Data": data, "PartitionKey": "k"})
        });
        let records: Vec<_> = records.collect();
        let put = server.ok("PutRecords", &json!({"StreamName": "s", "Records": records}));
        assert_eq!(put["FailedRecordCount"], 0);
    }
}

#[test]
fn readers_that_do_not_read_hold_up_nobody_else() {
    let data = tempfile::tempdir().unwrap();
    // Room for one large event: whoever does not take it keeps it from all others.
    let budget = ["--fan-out-bytes-in-flight-max", "1048576"];
    let server = Running::start(data.path(), &budget);
    server.ok("CreateStream", &json!({"StreamName": "s", "ShardCount": 1}));
    let mut stalled = Vec::new();
    for number in 0..STALLED {
        stalled.push(subscribe(&server, &format!("h1-{number}")));
    }
    let bodies = (0..STALLED).map(|number| subscription(&server, &format!("h2-{number}")));
    let bodies: Vec<_> = bodies.collect();
    let also_stalled = server.runtime.block_on(async {
        let (sender, mut answers) = (connect(&server).await, Vec::new());
        for body in bodies {
            let request = request(JSON, "SubscribeToShard").body(whole(body.to_string()));
            let answer = sender.clone().send_request(request.unwrap()).await.unwrap();
            assert_eq!(answer.status(), 200);
            assert_eq!(answer.headers()["content-type"], event_stream::CONTENT_TYPE);
            answers.push(answer);
        }
        answers
    });
    put_all(&server);
    let expected: Vec<_> = (0..(PUTS * RECORDS_PER_PUT) as u64).collect();
    let reader = subscribe(&server, "reader");
    assert_eq!(read_numbers(reader, expected.len()), expected);
    // Those who begin to read find all that they left, as far as their time goes.
    let late = stalled.pop().unwrap();
    let some = read_numbers(late, RECORDS_PER_PUT);
    assert_eq!(some[..RECORDS_PER_PUT], expected[..RECORDS_PER_PUT]);
    drop(also_stalled);
}
