//! A request and an answer over the loopback, from the load's core to the server's and back.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Duration;

use crate::cores::Cores;
use crate::load::{Latencies, Measured};
use crate::stopwatch::Stopwatch;

/// Bytes of an answer.
const ANSWER_BYTES: usize = 256;

/// Sends `request_bytes` and waits for a short answer, over and over for `time`.
pub fn round_trips(cores: &Cores, request_bytes: usize, time: Duration) -> io::Result<Measured> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    std::thread::scope(|scope| {
        let server = scope.spawn(|| {
            cores.use_for_server()?;
            let (mut socket, _) = listener.accept()?;
            socket.set_nodelay(true)?;
            let mut request = vec![0; request_bytes];
            while socket.read_exact(&mut request).is_ok() {
                socket.write_all(&[0; ANSWER_BYTES])?;
            }
            Ok::<_, io::Error>(())
        });
        let measured = client(TcpStream::connect(address)?, request_bytes, time)?;
        server.join().map_err(|_| io::Error::other("the other side panicked"))??;
        Ok(measured)
    })
}

fn client(mut socket: TcpStream, request_bytes: usize, time: Duration) -> io::Result<Measured> {
    socket.set_nodelay(true)?;
    let (request, mut answer) = (vec![0; request_bytes], [0; ANSWER_BYTES]);
    let (all, mut latencies) = (Stopwatch::start(), Latencies::default());
    while all.elapsed() < time {
        let one = Stopwatch::start();
        socket.write_all(&request)?;
        socket.read_exact(&mut answer)?;
        latencies.note(one.elapsed());
    }
    Ok(Measured { operations: latencies.count(), latencies, seconds: all.elapsed().as_secs_f64() })
}
