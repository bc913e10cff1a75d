//! Readers that subscribe to far more than sockets take in, and never read.

use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};

use crate::Scale;
use crate::caller::{Caller, request, stream_arn};
use crate::host::{Host, Memory};

/// Their stream.
const STREAM: &str = "stalled";

/// Bytes of a record, which makes an event of its own.
const RECORD_BYTES: usize = 1_000_000;

/// Bytes that a reader's socket takes in.
const RECEIVE_BUFFER_BYTES: u32 = 16 * 1024;

/// How long they are left before the memory is looked at: events are on their way by then.
const SETTLE: Duration = Duration::from_secs(3);

/// Readers that stand, and what they took.
pub(crate) struct Stalled {
    pub(crate) readers: usize,
    pub(crate) to_come_bytes: usize,
    pub(crate) before: Memory,
    pub(crate) after: Memory,
    _sockets: Vec<TcpStream>,
}

impl Stalled {
    pub(crate) async fn hold(host: &Host, scale: Scale) -> Stalled {
        let mut caller = Caller::open(host.address()).await;
        caller.call("CreateStream", &json!({"StreamName": STREAM, "ShardCount": 1})).await;
        let data = base64_simd::STANDARD.encode_to_string(vec![b'x'; RECORD_BYTES]);
        let put = json!({"StreamName": STREAM, "PartitionKey": "key", "Data": data});
        for _ in 0..scale.stalled_records {
            caller.call("PutRecord", &put).await;
        }
        let before = host.memory();
        let mut sockets = Vec::new();
        for number in 0..scale.stalled {
            let name = format!("stalled-{number}");
            let register = json!({"StreamARN": stream_arn(STREAM), "ConsumerName": name});
            let made = caller.call("RegisterStreamConsumer", &register).await;
            let body = json!({
                "ConsumerARN": made["Consumer"]["ConsumerARN"],
                "ShardId": "shardId-000000000000",
                "StartingPosition": {"Type": "TRIM_HORIZON"},
            });
            let socket = TcpSocket::new_v4().expect("a socket can be had");
            socket.set_recv_buffer_size(RECEIVE_BUFFER_BYTES).expect("its buffer can be small");
            let mut socket = socket.connect(host.address()).await.expect("the server listens");
            let request = request("SubscribeToShard", &body);
            socket.write_all(&request).await.expect("the server reads");
            sockets.push(socket);
        }
        tokio::time::sleep(SETTLE).await;
        let after = host.memory();
        let to_come_bytes = scale.stalled_records * RECORD_BYTES;
        Stalled { readers: scale.stalled, to_come_bytes, before, after, _sockets: sockets }
    }
}
