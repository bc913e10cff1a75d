//! Open loop: operations are due at times that are fixed before, whatever the server does.
//!
//! Each connection has every n-th operation. When one is answered late, the next is sent at once,
//! and its latency counts from when it was due: a server that stalls is charged for all that its
//! clients would have sent meanwhile.

use std::io;
use std::rc::Rc;
use std::time::Duration;

use super::together::{all, measured};
use super::{Latencies, Measured, Span, Timer};
use crate::stopwatch::Stopwatch;
use crate::system::{Connection, Operation};

/// Runs `operation` `rate` times a second over all connections together. An operation that fails
/// ends it.
pub async fn open(
    connections: Vec<Connection>,
    operation: Operation,
    rate: f64,
    span: Span,
) -> io::Result<Measured> {
    let time = Rc::new(Stopwatch::start());
    let stride = u32::try_from(connections.len()).unwrap_or(u32::MAX);
    let interval = Duration::from_secs_f64(1.0 / rate);
    let one = |(first, connection)| {
        one(connection, operation, Schedule { first, stride, interval }, span, Rc::clone(&time))
    };
    Ok(measured(&all((0..).zip(connections).map(one)).await?, span))
}

/// When one connection's operations are due.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schedule {
    pub(super) first: u32,
    pub(super) stride: u32,
    pub(super) interval: Duration,
}

impl Schedule {
    pub(super) fn due(self, number: u32) -> Duration {
        self.interval * (self.first + number * self.stride)
    }
}

async fn one(
    mut connection: Connection,
    operation: Operation,
    schedule: Schedule,
    span: Span,
    time: Rc<Stopwatch>,
) -> io::Result<Latencies> {
    let (timer, mut latencies) = (Timer::new()?, Latencies::default());
    for number in 0.. {
        let due = schedule.due(number);
        if due >= span.end() {
            break;
        }
        timer.wait(&time, due).await?;
        connection.run(operation).await?;
        if due >= span.warm_up {
            latencies.note(time.elapsed() - due);
        }
    }
    Ok(latencies)
}
