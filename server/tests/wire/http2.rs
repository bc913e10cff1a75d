//! HTTP/2 with prior knowledge, and CBOR.

use std::time::Duration;

use bytes::Bytes;
use ciborium::Value as Cbor;
use futures_util::future::join_all;
use futures_util::stream;
use futures_util::stream::StreamExt;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};

use crate::Running;

const JSON: &str = "application/x-amz-json-1.1";
const CBOR: &str = "application/x-amz-cbor-1.1";

type Sender = http2::SendRequest<BoxBody<Bytes, std::convert::Infallible>>;

/// An answer, complete.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

async fn connect(server: &Running) -> Sender {
    let socket = tokio::net::TcpStream::connect(server.address).await.unwrap();
    let io = TokioIo::new(socket);
    let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(connection);
    sender
}

fn request(content_type: &str, operation: &str) -> http::request::Builder {
    Request::post("http://x/")
        .header("content-type", content_type)
        .header("x-amz-target", format!("Kinesis_20131202.{operation}"))
        .header("x-amz-date", "20260101T000000Z")
        .header(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=AKIA/20260101/eu-west-1/kinesis/aws4_request, \
             SignedHeaders=host, Signature=0",
        )
}

async fn send(
    mut sender: Sender,
    request: Request<BoxBody<Bytes, std::convert::Infallible>>,
) -> Answer {
    let (head, body) = sender.send_request(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    assert!(!head.headers.contains_key("connection"), "{:?}", head.headers);
    Answer { status: head.status, headers: head.headers, body }
}

fn whole(body: impl Into<Bytes>) -> BoxBody<Bytes, std::convert::Infallible> {
    Full::new(body.into()).boxed()
}

/// One call in CBOR: its status, and its members.
async fn call(sender: &Sender, operation: &str, body: &Cbor) -> (StatusCode, Vec<(Cbor, Cbor)>) {
    let mut bytes = Vec::new();
    ciborium::into_writer(body, &mut bytes).unwrap();
    let answer = send(sender.clone(), request(CBOR, operation).body(whole(bytes)).unwrap()).await;
    assert_eq!(answer.headers["content-type"], CBOR);
    assert_eq!(answer.headers["x-amzn-requestid"].len(), 36);
    assert!(answer.headers.contains_key("x-amz-id-2") && answer.headers.contains_key("date"));
    let body = if answer.body.is_empty() {
        Vec::new()
    } else {
        ciborium::from_reader::<Cbor, _>(&*answer.body).unwrap().into_map().unwrap()
    };
    (answer.status, body)
}

fn map(members: &[(&str, Cbor)]) -> Cbor {
    Cbor::Map(members.iter().map(|(key, value)| ((*key).into(), value.clone())).collect())
}

fn member<'m>(map: &'m [(Cbor, Cbor)], name: &str) -> &'m Cbor {
    let found = map.iter().find(|(key, _)| key.as_text() == Some(name));
    &found.unwrap_or_else(|| panic!("no {name} in {map:?}")).1
}

#[test]
fn cbor_is_served_over_http2() {
    let data = tempfile::tempdir().unwrap();
    let server = Running::start(data.path(), &[]);
    server.runtime.block_on(async {
        let sender = connect(&server).await;
        let create = map(&[("StreamName", "s".into()), ("ShardCount", 1.into())]);
        assert_eq!(call(&sender, "CreateStream", &create).await, (StatusCode::OK, Vec::new()));
        let bytes = Cbor::Bytes(vec![0, 255, 128]);
        let name = ("StreamName", Cbor::from("s"));
        let put = map(&[name.clone(), ("Data", bytes.clone()), ("PartitionKey", "k".into())]);
        let (status, put) = call(&sender, "PutRecord", &put).await;
        assert_eq!(status, StatusCode::OK, "{put:?}");
        let at = Cbor::Tag(1, Box::new(Cbor::from(1_671_562_498_449_u64)));
        let get = map(&[
            name,
            ("ShardId", "shardId-000000000000".into()),
            ("ShardIteratorType", "AT_TIMESTAMP".into()),
            ("Timestamp", at),
        ]);
        let (_, iterator) = call(&sender, "GetShardIterator", &get).await;
        let get = map(&[("ShardIterator", member(&iterator, "ShardIterator").clone())]);
        let (_, records) = call(&sender, "GetRecords", &get).await;
        let records = member(&records, "Records").as_array().unwrap();
        assert_eq!(records.len(), 1);
        let record = records[0].as_map().unwrap();
        assert_eq!(member(record, "Data"), &bytes);
        assert_eq!(member(record, "SequenceNumber"), member(&put, "SequenceNumber"));
        let arrival = member(record, "ApproximateArrivalTimestamp");
        let Cbor::Tag(1, ms) = arrival else { panic!("{arrival:?}") };
        assert!(ms.as_integer().is_some_and(|ms| ms > 1_671_562_498_449_u64.into()), "{ms:?}");
        let (status, refused) =
            call(&sender, "PutRecord", &map(&[("StreamName", "s".into())])).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert_eq!(member(&refused, "__type"), &"ValidationException".into());
        let (_, refused) = call(&sender, "ListStreams", &map(&[("Limit", "x".into())])).await;
        assert_eq!(member(&refused, "__type"), &"SerializationException".into());
        assert!(member(&refused, "Message").is_text());
    });
}

#[test]
fn many_streams_put_at_once() {
    const PUTS: usize = 300;
    let data = tempfile::tempdir().unwrap();
    let server = Running::start(data.path(), &[]);
    server.ok("CreateStream", &serde_json::json!({"StreamName": "s", "ShardCount": 1}));
    server.runtime.block_on(async {
        let sender = connect(&server).await;
        let puts = (0..PUTS).map(|put| {
            let body = format!(r#"{{"StreamName":"s","Data":"{put:04}","PartitionKey":"k"}}"#);
            send(sender.clone(), request(JSON, "PutRecord").body(whole(body)).unwrap())
        });
        for answer in join_all(puts).await {
            assert_eq!(answer.status, StatusCode::OK);
            assert_eq!(answer.headers["content-type"], JSON);
        }
    });
    let horizon = serde_json::json!({"ShardIteratorType": "TRIM_HORIZON"});
    let (mut data, _) = server.records(&server.iterator("s", 0, &horizon));
    data.sort();
    let expected: Vec<_> = (0..PUTS).map(|put| format!("{put:04}")).collect();
    assert_eq!(data, expected);
}

#[test]
fn refusals_leave_an_http2_connection_alone() {
    let data = tempfile::tempdir().unwrap();
    let server = Running::start(data.path(), &["--request-bytes-max", "1000"]);
    server.runtime.block_on(async {
        let sender = connect(&server).await;
        let get = Request::get("http://x/").body(whole("")).unwrap();
        let denied = send(sender.clone(), get).await;
        assert_eq!(denied.status, StatusCode::FORBIDDEN);
        assert!(denied.body.starts_with(b"<AccessDeniedException>"));
        let large = request(JSON, "ListStreams").body(whole(vec![b' '; 1001])).unwrap();
        assert_eq!(send(sender.clone(), large).await.status, StatusCode::PAYLOAD_TOO_LARGE);
        let origin = request(JSON, "ListStreams").header("origin", "http://page");
        let listed = send(sender.clone(), origin.body(whole("{}")).unwrap()).await;
        assert_eq!(listed.status, StatusCode::OK);
        assert_eq!(listed.headers["access-control-allow-origin"], "*");
        let preflight = Request::builder()
            .method(Method::OPTIONS)
            .uri("http://x/")
            .header("origin", "http://page")
            .header("access-control-request-headers", "x-amz-target");
        let preflight = send(sender, preflight.body(whole("")).unwrap()).await;
        assert_eq!(preflight.headers["access-control-allow-headers"], "x-amz-target");
        assert!(!preflight.headers.contains_key("x-amz-id-2"));
    });
}

#[test]
fn half_bodies_do_not_keep_others_waiting_for_long() {
    let data = tempfile::tempdir().unwrap();
    // Room for one body that does not say how long it is.
    let bounds = ["--request-bytes-max", "65536", "--body-bytes-in-flight-max", "65536"];
    let flags = [&bounds[..], &["--idle-timeout-ms", "100"]].concat();
    let server = Running::start(data.path(), &flags);
    server.runtime.block_on(async {
        let sender = connect(&server).await;
        let half = || {
            let first = stream::iter([Ok(Frame::data(Bytes::from_static(b"{")))]);
            let body = StreamBody::new(first.chain(stream::pending()));
            let asking = send(
                sender.clone(),
                request(JSON, "ListStreams").body(BodyExt::boxed(body)).unwrap(),
            );
            tokio::spawn(asking)
        };
        let halves: Vec<_> = (0..8).map(|_| half()).collect();
        let other = connect(&server).await;
        let good = send(other, request(JSON, "ListStreams").body(whole("{}")).unwrap());
        let good = tokio::time::timeout(Duration::from_secs(60), good).await.unwrap();
        assert_eq!(good.status, StatusCode::OK);
        for half in halves {
            assert_eq!(half.await.unwrap().status, StatusCode::REQUEST_TIMEOUT);
        }
    });
}
