//! From a put to a reader that has it: a subscription, and one that polls as often as it goes.

use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use flowstone_engine::entropy::{Entropy, SystemEntropy};
use serde_json::{Value, json};
use tokio::task::{LocalSet, yield_now};

use super::bench::Bench;
use super::{RECORD_BYTES, Round};
use crate::load::{Latencies, Measured, Timer};
use crate::payload::Payload;
use crate::stopwatch::Stopwatch;
use crate::system::events::{Subscription, register};
use crate::system::http::Http;
use crate::system::kinesis::{create_stream, request};
use crate::system::poller::Poller;

const NAME: &str = "consume";
/// Far below what the server can do: nothing waits for anything else.
const INTERVAL: Duration = Duration::from_millis(2);
/// Digits of a record's number, at its beginning.
const DIGITS: usize = 10;

/// Puts and events, by number: when it was sent, answered, and arrived.
#[derive(Debug, Default)]
struct Seen {
    sent: Vec<Duration>,
    answered: Vec<Duration>,
    arrived: RefCell<Vec<(usize, Duration)>>,
}

/// How a reader gets at what was put.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// A subscription is sent it.
    FanOut,
    /// It asks, again and again.
    Polling,
}

impl Way {
    const fn name(self) -> &'static str {
        match self {
            Way::FanOut => "event",
            Way::Polling => "poll",
        }
    }

    async fn open(self, server: SocketAddr, stream: &str) -> io::Result<Reader> {
        match self {
            Way::FanOut => {
                let consumer = register(server, stream, "bench").await?;
                Subscription::open(server, &consumer).await.map(Reader::Subscription)
            }
            Way::Polling => Poller::open(server, stream).await.map(Reader::Poller),
        }
    }
}

/// A reader of what comes to a stream from now on.
enum Reader {
    Subscription(Subscription),
    Poller(Poller),
}

impl Reader {
    /// The next event, or the next answer.
    async fn next(&mut self) -> io::Result<Value> {
        match self {
            Reader::Subscription(subscription) => subscription.next().await,
            Reader::Poller(poller) => poller.next().await,
        }
    }
}

pub(super) fn run(bench: &Bench) -> io::Result<Round> {
    let mut round = Round::default();
    for way in [Way::FanOut, Way::Polling] {
        one_way(bench, way, &mut round)?;
    }
    Ok(round)
}

fn one_way(bench: &Bench, way: Way, round: &mut Round) -> io::Result<()> {
    let server = bench.settled()?.address();
    // A stream of its own each time: one shard, nothing in it.
    let stream = format!("read-{:08x}", SystemEntropy.bits() >> 32);
    let seen = bench.block_on(async {
        create_stream(server, &stream, 1).await?;
        let reader = way.open(server, &stream).await?;
        let http = Http::open(server).await?;
        LocalSet::new().run_until(puts(bench, &stream, http, reader)).await
    })?;
    let (mut puts, mut reads) = (Latencies::default(), Latencies::default());
    let is_counted = |number: usize| seen.sent[number] >= bench.span.warm_up;
    for number in (0..seen.answered.len()).filter(|number| is_counted(*number)) {
        puts.note(seen.answered[number] - seen.sent[number]);
    }
    let arrived = seen.arrived.borrow();
    for (number, at) in arrived.iter().filter(|(number, _)| is_counted(*number)) {
        reads.note(*at - seen.sent[*number]);
    }
    let way = way.name();
    for (name, quantile) in [("p50", 0.5), ("p99", 0.99)] {
        let (put, read) = (puts.at_ms(quantile), reads.at_ms(quantile));
        let anchor = format!("put's {name}");
        round.note((NAME, &format!("put to {way}, {name}"), "ms"), read, Some((&anchor, put)));
        round.note((NAME, &format!("put to {way} less put, {name}"), "ms"), read - put, None);
    }
    let seconds = bench.span.counted.as_secs_f64();
    let measured = Measured { operations: reads.count(), latencies: reads, seconds };
    round.load(&format!("put to {way}"), &measured, 1.0);
    Ok(())
}

/// Puts record after record while a reader notes what arrives, until all have arrived.
async fn puts(bench: &Bench, stream: &str, mut http: Http, reader: Reader) -> io::Result<Seen> {
    let time = Stopwatch::start();
    let arrived = Rc::new(RefCell::new(Vec::new()));
    let reader = tokio::task::spawn_local(read(reader, time, Rc::clone(&arrived)));
    let mut seen = Seen::default();
    let mut payload = Payload::new(5);
    let (timer, mut due) = (Timer::new()?, Duration::ZERO);
    while due < bench.span.warm_up + bench.span.counted {
        let mut record = payload.record(RECORD_BYTES);
        record[..DIGITS].copy_from_slice(format!("{:0DIGITS$}", seen.sent.len()).as_bytes());
        let data = base64_simd::STANDARD.encode_to_string(record);
        let body = json!({"StreamName": stream, "PartitionKey": "device", "Data": data});
        let request = request("PutRecord", &body);
        timer.wait(&time, due).await?;
        seen.sent.push(time.elapsed());
        http.call(&request, |_| Ok(())).await?;
        seen.answered.push(time.elapsed());
        due += INTERVAL;
    }
    while arrived.borrow().len() < seen.sent.len() && !reader.is_finished() {
        yield_now().await;
    }
    if reader.is_finished() {
        return Err(reader.await.map_err(io::Error::other)?);
    }
    reader.abort();
    seen.arrived = RefCell::new(arrived.take());
    Ok(seen)
}

/// Reads until the reader fails, and answers how.
async fn read(
    mut reader: Reader,
    time: Stopwatch,
    arrived: Rc<RefCell<Vec<(usize, Duration)>>>,
) -> io::Error {
    loop {
        let event = match reader.next().await {
            Ok(event) => event,
            Err(error) => return error,
        };
        let at = time.elapsed();
        for record in event["Records"].as_array().into_iter().flatten() {
            let data = record["Data"].as_str().unwrap_or_default();
            let data = base64_simd::STANDARD.decode_to_vec(data).unwrap_or_default();
            let digits = data.get(..DIGITS).and_then(|digits| std::str::from_utf8(digits).ok());
            match digits.and_then(|digits| digits.parse().ok()) {
                Some(number) => arrived.borrow_mut().push((number, at)),
                None => return io::Error::other("a record was read that was never put"),
            }
        }
    }
}
