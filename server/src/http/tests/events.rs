//! Events: each is sent at once, and no more are asked for than there is room for.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use futures_util::StreamExt;
use futures_util::stream::unfold;
use tokio::sync::{Mutex, Notify, mpsc};

use super::*;

/// Bytes of one event of a flood.
const EVENT_BYTES: usize = 16 * 1024;

/// Events of a flood: more than all buffers between server and client hold.
const EVENTS: usize = 16 * 1024;

/// What is on its way beyond what a client has read, at most. Over HTTP/2 its window, the stream's
/// buffer, and one event each that passes the buffer and waits behind it.
const HTTP2_AHEAD_BYTES: usize =
    PEER_WINDOW_BYTES as usize + 64 * 1024 + 2 * EVENT_BYTES + EVENT_BYTES;

/// Over HTTP/1 the kernel's buffers on both sides, which grow up to 6 MiB, come before the server's.
const HTTP1_AHEAD_BYTES: usize = 16 << 20;

/// Events without end that count how many were asked for, and tell when they are dropped.
struct Flood {
    pulled: Arc<AtomicUsize>,
    dropped: Arc<Notify>,
}

impl Stream for Flood {
    type Item = Bytes;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Bytes>> {
        static EVENT: [u8; EVENT_BYTES] = [1; EVENT_BYTES];
        let count = self.pulled.fetch_add(1, Ordering::SeqCst);
        Poll::Ready((count < EVENTS).then_some(Bytes::from_static(&EVENT)))
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        self.dropped.notify_one();
    }
}

async fn flood(limits: Limits) -> (Port, Arc<AtomicUsize>, Arc<Notify>) {
    let (pulled, dropped) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let (counter, told) = (Arc::clone(&pulled), Arc::clone(&dropped));
    let port = Port::open(limits, move |_| {
        let flood = Flood { pulled: Arc::clone(&counter), dropped: Arc::clone(&told) };
        async move { events(flood) }
    })
    .await;
    (port, pulled, dropped)
}

#[tokio::test]
async fn each_event_is_sent_before_the_next_is_there() {
    for protocol in BOTH {
        let (source, taken) = mpsc::unbounded_channel::<Bytes>();
        let taken = Arc::new(Mutex::new(Some(taken)));
        let port = Port::open(limits(), move |_| {
            let taken = Arc::clone(&taken);
            async move {
                let taken = taken.lock().await.take().unwrap();
                let next = |mut taken: mpsc::UnboundedReceiver<Bytes>| async {
                    taken.recv().await.map(|event| (event, taken))
                };
                events(unfold(taken, next))
            }
        })
        .await;
        let mut client = port.client(protocol).await;
        let mut answer = client.ask("/").await.unwrap();
        for number in 0..5 {
            source.send(Bytes::from(format!("event {number}"))).unwrap();
            let event = answer.frame().await.unwrap().unwrap().into_data().unwrap();
            assert_eq!(event, format!("event {number}"), "{protocol:?}");
        }
        drop(source);
        assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_client_holds_a_bounded_number_of_events() {
    for (protocol, ahead_max) in
        [(Protocol::Http1, HTTP1_AHEAD_BYTES), (Protocol::Http2, HTTP2_AHEAD_BYTES)]
    {
        let (port, pulled, _) = flood(limits()).await;
        let mut client = port.client(protocol).await;
        let mut answer = client.ask("/").await.unwrap();
        let mut read = 0;
        while let Some(frame) = answer.frame().await {
            read += frame.unwrap().into_data().unwrap().len();
            let ahead = (pulled.load(Ordering::SeqCst) * EVENT_BYTES).saturating_sub(read);
            assert!(ahead <= ahead_max, "{protocol:?}: {ahead} bytes ahead of {read}");
        }
        assert_eq!(read, EVENTS * EVENT_BYTES);
    }
}

#[tokio::test]
async fn events_are_dropped_with_their_client() {
    for protocol in BOTH {
        let (port, _, dropped) = flood(limits()).await;
        let mut client = port.client(protocol).await;
        let answer = client.ask("/").await.unwrap();
        drop(answer);
        client.ended.abort();
        dropped.notified().await;
    }
}

#[tokio::test]
async fn over_http2_events_are_dropped_with_their_stream_alone() {
    let (port, _, dropped) = flood(limits()).await;
    let mut client = port.client(Protocol::Http2).await;
    drop(client.ask("/").await.unwrap());
    dropped.notified().await;
    assert_eq!(client.ask("/").await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn a_peer_that_takes_no_bytes_is_let_go() {
    use tokio::io::AsyncWriteExt;
    let limits = Limits { idle_timeout: Duration::from_millis(50), ..limits() };
    let (port, _, dropped) = flood(limits).await;
    let mut socket = port.connect().await;
    socket.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    dropped.notified().await;
}

#[tokio::test]
async fn events_end_in_order_at_a_stop() {
    for protocol in BOTH {
        let first = || futures_util::stream::iter([Bytes::from_static(b"first")]);
        let port = Port::open(limits(), move |_| async move {
            events(first().chain(futures_util::stream::pending()))
        })
        .await;
        let mut client = port.client(protocol).await;
        let mut answer = client.ask("/").await.unwrap();
        assert_eq!(answer.frame().await.unwrap().unwrap().into_data().unwrap(), "first");
        port.stop.send(true).unwrap();
        let rest = answer.into_body().collect().await.expect("the end is one in order");
        assert_eq!(rest.to_bytes(), "", "{protocol:?}");
        client.ended.await.unwrap().unwrap();
    }
}
