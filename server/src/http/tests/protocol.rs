//! Which protocol is spoken, how many requests go at once, and when a connection ends.

use std::sync::Arc;

use futures_util::future::{join_all, pending};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Barrier, Notify};
use tokio::time::interval;

use super::*;

fn short() -> Duration {
    Duration::from_millis(50)
}

#[tokio::test]
async fn one_port_speaks_both_protocols() {
    let port = Port::open(limits(), |request| async move {
        whole(format!("{:?} {}", request.version(), request.uri().path()).into_bytes())
    })
    .await;
    let (mut first, mut second) =
        (port.client(Protocol::Http1).await, port.client(Protocol::Http2).await);
    for _ in 0..2 {
        assert_eq!(first.text("/a").await.unwrap(), "HTTP/1.1 /a");
        assert_eq!(second.text("/b").await.unwrap(), "HTTP/2.0 /b");
    }
}

#[tokio::test]
async fn a_preface_in_pieces_is_still_one_and_half_a_preface_is_a_bad_request() {
    let port = Port::open(limits(), |_| async { whole(b"ok".to_vec()) }).await;
    let mut socket = port.connect().await;
    for byte in b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" {
        socket.write_all(&[*byte]).await.unwrap();
    }
    // An empty SETTINGS frame completes the handshake; the answer begins with the server's own.
    socket.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await.unwrap();
    let mut head = [0; 9];
    socket.read_exact(&mut head).await.unwrap();
    assert_eq!((head[3], &head[5..]), (4, &[0, 0, 0, 0][..]), "{head:?}");
    let mut socket = port.connect().await;
    socket.write_all(b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    let _ = socket.read_to_string(&mut answer).await;
    assert!(!answer.contains(" 200 "), "{answer}");
    let mut socket = port.connect().await;
    socket.write_all(b"POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\nok"));
}

#[tokio::test]
async fn a_client_that_says_too_little_is_let_go() {
    let limits = Limits { head_timeout: short(), idle_timeout: short(), ..limits() };
    let port = Port::open(limits, |_| async { whole(Vec::new()) }).await;
    for said in ["", "P", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
        let mut socket = port.connect().await;
        socket.write_all(said.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let _ = socket.read_to_end(&mut answer).await;
    }
}

#[tokio::test]
async fn streams_of_one_connection_are_answered_at_once() {
    const STREAMS: usize = 200;
    let barrier = Arc::new(Barrier::new(STREAMS));
    let port = Port::open(limits(), move |request| {
        let barrier = Arc::clone(&barrier);
        async move {
            barrier.wait().await;
            whole(request.uri().path().as_bytes().to_vec())
        }
    })
    .await;
    let client = port.client(Protocol::Http2).await;
    let Sender::Http2(sender) = &client.sender else { unreachable!() };
    let answers = join_all((0..STREAMS).map(|stream| {
        let mut sender = sender.clone();
        async move {
            let request = Request::get(format!("http://x/{stream}")).body(Full::default());
            let answer = sender.send_request(request.unwrap()).await.unwrap();
            answer.into_body().collect().await.unwrap().to_bytes()
        }
    }))
    .await;
    for (stream, answer) in answers.into_iter().enumerate() {
        assert_eq!(answer, format!("/{stream}"));
    }
}

#[tokio::test]
async fn a_large_answer_arrives_whole() {
    let bytes: Vec<u8> = (0..=255).cycle().take(5_000_000).collect();
    let sent = bytes.clone();
    let port = Port::open(limits(), move |_| {
        let sent = sent.clone();
        async move { whole(sent) }
    })
    .await;
    for protocol in BOTH {
        let mut client = port.client(protocol).await;
        let answer = client.ask("/").await.unwrap();
        assert_eq!(answer.headers()["content-length"], "5000000");
        assert!(!answer.headers().contains_key("connection"));
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        assert!(body == bytes, "{protocol:?}");
    }
}

#[tokio::test]
async fn an_idle_http2_connection_ends_and_one_with_a_request_does_not() {
    let limits = Limits { head_timeout: short(), ..limits() };
    let asked = Arc::new(Notify::new());
    let heard = Arc::clone(&asked);
    let port = Port::open(limits, move |request| {
        let heard = Arc::clone(&heard);
        async move {
            if request.uri().path() == "/slow" {
                heard.notified().await;
            }
            whole(b"ok".to_vec())
        }
    })
    .await;
    let mut idle = port.client(Protocol::Http2).await;
    let mut busy = port.client(Protocol::Http2).await;
    assert_eq!(idle.text("/").await.unwrap(), "ok");
    let answer = tokio::spawn(async move { busy.text("/slow").await });
    let _ = idle.ended.await.unwrap();
    // The other connection has been open at least as long without a word.
    asked.notify_one();
    assert_eq!(answer.await.unwrap().unwrap(), "ok");
}

#[tokio::test]
async fn an_answer_that_is_not_taken_ends_its_connection() {
    let limits = Limits { head_timeout: short(), body_timeout: short(), ..limits() };
    let port = Port::open(limits, |_| async { whole(vec![7; 10 << 20]) }).await;
    let mut client = port.client(Protocol::Http2).await;
    // Its body is not read, so that the window stays shut.
    let _unread = client.ask("/").await.unwrap();
    let _ = client.ended.await.unwrap();
}

#[tokio::test]
async fn a_stream_without_room_leaves_its_connection_alone() {
    let limits = Limits { idle_timeout: short(), head_timeout: short(), ..limits() };
    let port = Port::open(limits, |request| async move {
        match request.uri().path() {
            "/flood" => events(futures_util::stream::repeat(Bytes::from_static(&[0; 16 << 10]))),
            "/quiet" => events(futures_util::stream::pending()),
            _ => whole(b"ok".to_vec()),
        }
    })
    .await;
    let mut client = port.client(Protocol::Http2).await;
    let flood = client.ask("/flood").await.unwrap();
    let quiet = client.ask("/quiet").await.unwrap();
    // As many times as would end it, and more, with requests in between.
    let mut timeouts = interval(short());
    for _ in 0..6 {
        timeouts.tick().await;
        assert_eq!(client.text("/").await.unwrap(), "ok");
    }
    drop((flood, quiet));
    assert_eq!(client.text("/").await.unwrap(), "ok");
}

#[tokio::test]
async fn what_is_in_flight_at_a_stop_is_answered() {
    for protocol in BOTH {
        let (arrived, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (heard, released) = (Arc::clone(&arrived), Arc::clone(&go_on));
        let port = Port::open(limits(), move |_| {
            let (heard, released) = (Arc::clone(&heard), Arc::clone(&released));
            async move {
                heard.notify_one();
                released.notified().await;
                whole(b"ok".to_vec())
            }
        })
        .await;
        let mut client = port.client(protocol).await;
        let answer = tokio::spawn(async move {
            let answer = client.text("/").await;
            (answer, client.ended.await)
        });
        arrived.notified().await;
        port.stop.send(true).unwrap();
        go_on.notify_one();
        let (answer, ended) = answer.await.unwrap();
        assert_eq!(answer.unwrap(), "ok", "{protocol:?}");
        ended.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_request_is_dropped_with_its_client() {
    struct Told(Arc<Notify>);
    impl Drop for Told {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
    for protocol in BOTH {
        let (arrived, gone) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (heard, told) = (Arc::clone(&arrived), Arc::clone(&gone));
        let port = Port::open(limits(), move |_| {
            let (heard, told) = (Arc::clone(&heard), Told(Arc::clone(&told)));
            async move {
                let _told = told;
                heard.notify_one();
                pending::<()>().await;
                whole(Vec::new())
            }
        })
        .await;
        let mut client = port.client(protocol).await;
        let connection = client.ended.abort_handle();
        let asking = tokio::spawn(async move { client.text("/").await });
        arrived.notified().await;
        connection.abort();
        asking.abort();
        gone.notified().await;
    }
}
