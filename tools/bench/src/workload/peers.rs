//! The same batches and single puts, to other systems: as they come, and with a flush before each
//! acknowledgement.

use std::io;
use std::net::{SocketAddr, TcpStream};

use super::bench::{Bench, SHARDS};
use super::{RECORD_BYTES, Round};
use crate::load::Measured;
use crate::system::emulators::Emulator;
use crate::system::kinesis::{STREAM, create_stream, delete_stream};
use crate::system::{Connection, Operation, kafka, kinesis, nats, redis};

const NAME: &str = "peers";
const NAME_SLOW: &str = "peers-slow";
const BATCH_CONNECTIONS: usize = 4;
const SINGLE_CONNECTIONS: usize = 64;

/// A way to run another system.
#[derive(Clone, Copy)]
enum Peer {
    Redis(redis::Flush),
    Nats(nats::Flush),
    Kafka(kafka::Flush),
    Emulator(Emulator),
    /// That somebody else runs.
    Endpoint(SocketAddr),
}

const FLUSHES: &str = "it flushes too";
const DOES_NOT: &str = "it does not flush";
const IN_MEMORY: &str = "it keeps them in memory";
const UNKNOWN: &str = "it may flush or not";

/// A peer's name, whether it flushes, and how it is run.
type Row = (&'static str, &'static str, Peer);

/// Those that are as quick as they will be once they listen.
const READY: [Row; 4] = [
    ("Redis, everysec", DOES_NOT, Peer::Redis(redis::Flush::EverySecond)),
    ("Redis, always", FLUSHES, Peer::Redis(redis::Flush::Always)),
    ("NATS JetStream, default", DOES_NOT, Peer::Nats(nats::Flush::Default)),
    ("NATS JetStream, sync always", FLUSHES, Peer::Nats(nats::Flush::Always)),
];

/// Those that take a while, or are slow.
const SLOW: [Row; 5] = [
    ("Kafka, default", DOES_NOT, Peer::Kafka(kafka::Flush::Default)),
    ("Kafka, flush each", FLUSHES, Peer::Kafka(kafka::Flush::Always)),
    ("Kinesalite", DOES_NOT, Peer::Emulator(Emulator::Kinesalite)),
    ("kinesis-local", IN_MEMORY, Peer::Emulator(Emulator::KinesisLocal)),
    ("moto", IN_MEMORY, Peer::Emulator(Emulator::Moto)),
];

/// Single puts are measured before batches, which leave more for a system to write behind them.
const OPERATIONS: [Operation; 2] = [Operation::Single, Operation::Batch];

pub(super) fn run(bench: &Bench) -> io::Result<Round> {
    beside(bench, NAME, READY.map(owned).into_iter())
}

pub(super) fn run_slow(bench: &Bench) -> io::Result<Round> {
    let endpoint =
        bench.endpoint.map(|server| (server.to_string(), UNKNOWN, Peer::Endpoint(server)));
    beside(bench, NAME_SLOW, SLOW.map(owned).into_iter().chain(endpoint))
}

fn owned((name, flush, peer): Row) -> (String, &'static str, Peer) {
    (name.to_owned(), flush, peer)
}

/// Measures Flowstone, then `peers`, under the name of `workload`.
fn beside(
    bench: &Bench,
    workload: &'static str,
    peers: impl Iterator<Item = (String, &'static str, Peer)>,
) -> io::Result<Round> {
    let mut round = Round::default();
    let ours = each(|operation| {
        let host = bench.settled()?;
        let connections = bench.kinesis(host.address(), connections_of(operation))?;
        bench.closed(connections, operation)
    })?;
    for (name, flush, peer) in peers {
        let full_name = peer.full_name(&name);
        match full_name.and_then(|full_name| Ok((full_name, theirs(bench, peer)?))) {
            Ok((full_name, theirs)) => {
                note(&mut round, (workload, &full_name, flush), &ours, &theirs);
            }
            Err(error) => round.missing.push(format!("{name}: {error}")),
        }
    }
    Ok(round)
}

/// What `measure` says of each operation.
fn each(mut measure: impl FnMut(Operation) -> io::Result<Measured>) -> io::Result<[Measured; 2]> {
    let [singles, batches] = OPERATIONS;
    Ok([measure(singles)?, measure(batches)?])
}

fn note(
    round: &mut Round,
    (workload, name, flush): (&'static str, &str, &str),
    ours: &[Measured; 2],
    theirs: &[Measured; 2],
) {
    for ((operation, ours), theirs) in OPERATIONS.into_iter().zip(ours).zip(theirs) {
        let (what, records) = match operation {
            Operation::Single => ("singles x64", 1.0),
            Operation::Batch => ("batches x4", 500.0),
        };
        let what = format!("{what} beside {name}; {flush}");
        let anchor = Some((name, theirs.rate() * records));
        round.note((workload, &what, "records/s"), ours.rate() * records, anchor);
        round.load(&format!("{name}, {what}"), theirs, records);
    }
}

impl Peer {
    /// `name` with the version of what is installed; an error when nothing is.
    fn full_name(self, name: &str) -> io::Result<String> {
        let version = match self {
            Peer::Redis(_) => redis::version(),
            Peer::Nats(flush) => nats::version(flush),
            Peer::Kafka(_) => kafka::version(),
            Peer::Emulator(emulator) => emulator.version(),
            Peer::Endpoint(server) => return TcpStream::connect(server).map(|_| name.to_owned()),
        };
        version.map(|version| format!("{name} ({version})"))
    }

    /// Whether it may be slow until what runs often is compiled.
    const fn compiles(self) -> bool {
        !matches!(self, Peer::Redis(_) | Peer::Nats(_) | Peer::Emulator(Emulator::Moto))
    }
}

const fn connections_of(operation: Operation) -> usize {
    match operation {
        Operation::Single => SINGLE_CONNECTIONS,
        Operation::Batch => BATCH_CONNECTIONS,
    }
}

/// Starts `peer`, and measures it.
fn theirs(bench: &Bench, peer: Peer) -> io::Result<[Measured; 2]> {
    let (cores, directory) = (&bench.cores, bench.directory()?);
    match peer {
        Peer::Redis(flush) => {
            let host = redis::start(cores, directory, flush)?;
            let requests = redis::Requests::new(RECORD_BYTES);
            load(bench, peer, async |_| {
                let opened = redis::Connection::open(host.address(), &requests).await;
                opened.map(Connection::Redis)
            })
        }
        Peer::Nats(flush) => {
            let host = nats::start(cores, directory, flush)?;
            let records = nats::Records::new(RECORD_BYTES);
            load(bench, peer, async |number| {
                let opened = nats::Connection::open(host.address(), &records, number).await;
                opened.map(Connection::Nats)
            })
        }
        Peer::Kafka(flush) => {
            let host = kafka::start(cores, directory, flush)?;
            bench.block_on(kafka::create_topic(host.address()))?;
            let requests = kafka::Requests::new(RECORD_BYTES);
            load(bench, peer, async |number| {
                let opened = kafka::Connection::open(host.address(), &requests, number).await;
                opened.map(Connection::Kafka)
            })
        }
        Peer::Emulator(emulator) => {
            let host = emulator.start(cores, directory)?;
            load_stream(bench, peer, host.address())
        }
        Peer::Endpoint(server) => load_stream(bench, peer, server),
    }
}

/// Makes the stream at a server that speaks Kinesis, loads it, and deletes it.
fn load_stream(bench: &Bench, peer: Peer, server: SocketAddr) -> io::Result<[Measured; 2]> {
    bench.block_on(create_stream(server, STREAM, SHARDS))?;
    let requests = kinesis::Requests::new(RECORD_BYTES);
    let measured = load(bench, peer, async |number| {
        let opened = kinesis::Connection::open(server, &requests, number).await;
        opened.map(Connection::Kinesis)
    });
    bench.block_on(delete_stream(server, STREAM))?;
    measured
}

/// Measures each operation over connections that `open` makes by their numbers.
fn load(
    bench: &Bench,
    peer: Peer,
    open: impl AsyncFn(usize) -> io::Result<Connection>,
) -> io::Result<[Measured; 2]> {
    if peer.compiles() {
        let connections = bench.connections(SINGLE_CONNECTIONS, &open)?;
        bench.unmeasured(connections, Operation::Single, bench.compile_time)?;
    }
    each(|operation| bench.closed(bench.connections(connections_of(operation), &open)?, operation))
}
