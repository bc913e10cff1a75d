//! The same batches and single puts, to other systems: as they come, and with a flush before each
//! acknowledgement.

use std::io;
use std::sync::Arc;

use super::bench::{Bench, SHARDS};
use super::{RECORD_BYTES, Round};
use crate::load::Measured;
use crate::system::host::Host;
use crate::system::kinesis::{STREAM, create_stream};
use crate::system::{Connection, Operation, kinesalite, nats, redis};

const NAME: &str = "peers";
const BATCH_CONNECTIONS: usize = 4;
const SINGLE_CONNECTIONS: usize = 64;

/// A way to run another system.
enum Peer {
    Redis(redis::Flush),
    Nats(nats::Flush),
    Kinesalite,
}

const PEERS: [(&str, bool, Peer); 5] = [
    ("Redis, everysec", false, Peer::Redis(redis::Flush::EverySecond)),
    ("Redis, always", true, Peer::Redis(redis::Flush::Always)),
    ("NATS JetStream, default", false, Peer::Nats(nats::Flush::Default)),
    ("NATS JetStream, sync always", true, Peer::Nats(nats::Flush::Always)),
    ("Kinesalite", false, Peer::Kinesalite),
];

pub(super) fn run(bench: &Bench) -> io::Result<Round> {
    let mut round = Round::default();
    let ours = [Operation::Batch, Operation::Single].map(|operation| {
        let host = bench.settled()?;
        let connections = bench.kinesis(host, connections_of(operation))?;
        bench.closed(connections, operation)
    });
    let [batches, singles] = ours;
    let (batches, singles) = (batches?, singles?);
    for (name, is_flushed, peer) in PEERS {
        let version = match &peer {
            Peer::Redis(_) => redis::version(),
            Peer::Nats(flush) => nats::version(*flush),
            Peer::Kinesalite => kinesalite::version(),
        };
        let version = match version {
            Ok(version) => version,
            Err(missing) => {
                round.missing.push(format!("{name}: {missing}"));
                continue;
            }
        };
        let name = format!("{name} ({version})");
        for (operation, ours) in [(Operation::Batch, &batches), (Operation::Single, &singles)] {
            let theirs = theirs(bench, &peer, operation)?;
            let (what, records) = match operation {
                Operation::Batch => ("batches x4", 500.0),
                Operation::Single => ("singles x64", 1.0),
            };
            let flush = if is_flushed { "it flushes too" } else { "it does not flush" };
            let what = format!("{what} beside {name}; {flush}");
            let anchor = Some((name.as_str(), theirs.rate() * records));
            round.note((NAME, &what, "records/s"), ours.rate() * records, anchor);
            round.load(&format!("{name}, {what}"), &theirs, records);
        }
    }
    Ok(round)
}

const fn connections_of(operation: Operation) -> usize {
    match operation {
        Operation::Batch => BATCH_CONNECTIONS,
        Operation::Single => SINGLE_CONNECTIONS,
    }
}

fn theirs(bench: &Bench, peer: &Peer, operation: Operation) -> io::Result<Measured> {
    let count = connections_of(operation);
    let (host, connections) = match peer {
        Peer::Redis(flush) => {
            let host = redis::start(&bench.cores, bench.directory()?, *flush)?;
            let requests = redis::Requests::new(RECORD_BYTES);
            let connections = open(bench, &host, &requests, count)?;
            (host, connections)
        }
        Peer::Nats(flush) => {
            let host = nats::start(&bench.cores, bench.directory()?, *flush)?;
            let records = nats::Records::new(RECORD_BYTES);
            let connections = bench.block_on(async {
                let mut connections = Vec::with_capacity(count);
                for number in 0..count {
                    let opened = nats::Connection::open(host.address(), &records, number).await?;
                    connections.push(Connection::Nats(opened));
                }
                Ok::<_, io::Error>(connections)
            })?;
            (host, connections)
        }
        Peer::Kinesalite => {
            let host = kinesalite::start(&bench.cores, bench.directory()?)?;
            bench.block_on(create_stream(host.address(), STREAM, SHARDS))?;
            let connections = bench.kinesis(&host, count)?;
            (host, connections)
        }
    };
    let measured = bench.closed(connections, operation)?;
    drop(host);
    Ok(measured)
}

fn open(
    bench: &Bench,
    host: &Host,
    requests: &Arc<redis::Requests>,
    count: usize,
) -> io::Result<Vec<Connection>> {
    bench.block_on(async {
        let mut connections = Vec::with_capacity(count);
        for _ in 0..count {
            let opened = redis::Connection::open(host.address(), requests).await?;
            connections.push(Connection::Redis(opened));
        }
        Ok(connections)
    })
}
