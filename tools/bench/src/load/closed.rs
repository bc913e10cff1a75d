//! Closed loop: each connection sends its next operation when the last one was answered.

use std::io;
use std::rc::Rc;

use super::together::{all, measured};
use super::{Latencies, Measured, Span};
use crate::stopwatch::Stopwatch;
use crate::system::{Connection, Operation};

/// Runs `operation` on every connection, over and over, for as long as `span` says. An operation
/// that fails ends it.
pub async fn closed(
    connections: Vec<Connection>,
    operation: Operation,
    span: Span,
) -> io::Result<Measured> {
    let time = Rc::new(Stopwatch::start());
    let one = |connection| one(connection, operation, span, Rc::clone(&time));
    Ok(measured(&all(connections.into_iter().map(one)).await?, span))
}

/// Runs `operation` so many times over all connections together; nothing is measured.
pub async fn count(
    connections: Vec<Connection>,
    operation: Operation,
    operations: u64,
) -> io::Result<()> {
    let each = operations.div_ceil(connections.len().max(1) as u64);
    let some = |mut connection: Connection| async move {
        for _ in 0..each {
            connection.run(operation).await?;
        }
        Ok(())
    };
    all(connections.into_iter().map(some)).await.map(drop)
}

async fn one(
    mut connection: Connection,
    operation: Operation,
    span: Span,
    time: Rc<Stopwatch>,
) -> io::Result<Latencies> {
    let mut latencies = Latencies::default();
    let end = span.end();
    loop {
        let sent = time.elapsed();
        if sent >= end {
            return Ok(latencies);
        }
        connection.run(operation).await?;
        let answered = time.elapsed();
        // What was answered in the span counts, whenever it was sent: the rate is then right. A
        // server too slow for that has one answer noted, or there would be nothing to say of it.
        if span.counts(answered, latencies.count()) {
            latencies.note(answered - sent);
        }
    }
}
