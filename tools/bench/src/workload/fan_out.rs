//! From a put to the event that a subscription gets of it.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use flowstone_engine::entropy::{Entropy, SystemEntropy};
use serde_json::json;
use tokio::task::{LocalSet, yield_now};

use super::bench::Bench;
use super::{RECORD_BYTES, Round};
use crate::load::{Latencies, Measured};
use crate::payload::Payload;
use crate::stopwatch::Stopwatch;
use crate::system::events::{Subscription, register};
use crate::system::http::Http;
use crate::system::kinesis::{create_stream, request};

const NAME: &str = "fan-out";
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

pub(super) fn run(bench: &Bench) -> io::Result<Round> {
    let server = bench.settled()?.address();
    // A stream of its own in each round: one shard, nothing in it.
    let stream = format!("events-{:08x}", SystemEntropy.bits() >> 32);
    let seen = bench.block_on(async {
        create_stream(server, &stream, 1).await?;
        let consumer = register(server, &stream, "bench").await?;
        let subscription = Subscription::open(server, &consumer).await?;
        let http = Http::open(server).await?;
        LocalSet::new().run_until(puts(bench, &stream, http, subscription)).await
    })?;
    let (mut puts, mut events) = (Latencies::default(), Latencies::default());
    let is_counted = |number: usize| seen.sent[number] >= bench.span.warm_up;
    for number in (0..seen.answered.len()).filter(|number| is_counted(*number)) {
        puts.note(seen.answered[number] - seen.sent[number]);
    }
    let arrived = seen.arrived.borrow();
    for (number, at) in arrived.iter().filter(|(number, _)| is_counted(*number)) {
        events.note(*at - seen.sent[*number]);
    }
    let mut round = Round::default();
    for (name, quantile) in [("p50", 0.5), ("p99", 0.99)] {
        let (put, event) = (puts.at_ms(quantile), events.at_ms(quantile));
        let anchor = format!("put's {name}");
        let what = format!("put to event, {name}");
        round.note((NAME, &what, "ms"), event, Some((&anchor, put)));
        let what = format!("put to event less put, {name}");
        round.note((NAME, &what, "ms"), event - put, None);
    }
    let seconds = bench.span.counted.as_secs_f64();
    let measured = Measured { operations: events.count(), latencies: events, seconds };
    round.load("fan-out, put to event", &measured, 1.0);
    Ok(round)
}

/// Puts record after record while a reader notes what arrives, until all have arrived.
async fn puts(
    bench: &Bench,
    stream: &str,
    mut http: Http,
    subscription: Subscription,
) -> io::Result<Seen> {
    let time = Stopwatch::start();
    let arrived = Rc::new(RefCell::new(Vec::new()));
    let reader = tokio::task::spawn_local(read(subscription, time, Rc::clone(&arrived)));
    let mut seen = Seen::default();
    let mut payload = Payload::new(5);
    let mut due = Duration::ZERO;
    while due < bench.span.warm_up + bench.span.counted {
        let mut record = payload.record(RECORD_BYTES);
        record[..DIGITS].copy_from_slice(format!("{:0DIGITS$}", seen.sent.len()).as_bytes());
        let data = base64_simd::STANDARD.encode_to_string(record);
        let body = json!({"StreamName": stream, "PartitionKey": "device", "Data": data});
        let request = request("PutRecord", &body);
        while time.elapsed() < due {
            yield_now().await;
        }
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

/// Reads until the subscription ends, and answers how.
async fn read(
    mut subscription: Subscription,
    time: Stopwatch,
    arrived: Rc<RefCell<Vec<(usize, Duration)>>>,
) -> io::Error {
    loop {
        let event = match subscription.next().await {
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
                None => return io::Error::other("an event has a record that was never put"),
            }
        }
    }
}
