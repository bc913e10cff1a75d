//! Ten thousand subscriptions held at once: what they take of the server's memory, and how long a
//! record takes from put to event beside polling, as tables, in one run.
//!
//! | file            | owns |
//! |-----------------|------|
//! | `host.rs`       | the server in a process of its own, and that process's memory |
//! | `caller.rs`     | calls one at a time over a connection kept alive |
//! | `subscriber.rs` | subscriptions over HTTP/1.1, a connection each, and over HTTP/2, many on one |
//! | `held.rs`       | holding them all, and what that takes |
//! | `latency.rs`    | from put to event, and from put to what a poll finds |
//! | `table.rs`      | the Markdown tables |
//!
//! The server is this program again, told to serve: the memory is the server's alone. It needs as
//! many descriptors as there are connections, and so does this side (`ulimit -Hn`).
//!
//! `cargo bench -p flowstone-benches --bench fan_out [-- --subscriptions 10000]`

#![allow(clippy::unwrap_used, reason = "a bench that goes wrong stops there")]

mod caller;
mod held;
mod host;
mod latency;
mod subscriber;
mod table;

use std::path::Path;

use crate::held::Held;
use crate::host::Host;
use crate::subscriber::Protocol;

/// How large a run is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    /// Subscriptions held at once.
    pub(crate) subscriptions: usize,
    /// Consumers of each shard.
    pub(crate) consumers: usize,
    /// Puts of which the way to the event is measured.
    pub(crate) samples: usize,
    /// Pollers at the real service's pace, each on a shard of its own.
    pub(crate) pollers: usize,
    /// Seconds that subscriptions are left alone before their memory is looked at.
    pub(crate) idle_s: u64,
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if let [_, serve, directory] = args.as_slice()
        && serve == host::SERVE
    {
        return host::serve(Path::new(directory));
    }
    // Under `cargo test` there is no `--bench`: run tiny.
    let is_tiny = !args.iter().any(|arg| arg == "--bench");
    let asked = args.iter().skip_while(|arg| *arg != "--subscriptions").nth(1);
    let asked = asked.map(|count| count.parse().expect("a number of subscriptions"));
    let scale = if is_tiny {
        Scale { subscriptions: 20, consumers: 2, samples: 3, pollers: 2, idle_s: 0 }
    } else {
        let subscriptions = asked.unwrap_or(10_000);
        Scale { subscriptions, consumers: 10, samples: 2_000, pollers: 20, idle_s: 12 }
    };
    let _ = flowstone_server::descriptors::make_room(scale.subscriptions);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    runtime.block_on(run(scale));
}

async fn run(scale: Scale) {
    let (mut memory, mut ways) = (Vec::new(), Vec::new());
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let host = Host::start().expect("the server starts");
        let mut held = Held::hold(&host, protocol, scale).await;
        memory.push(held.memory());
        ways.push(latency::pushed(&host, &mut held, scale).await);
        if protocol == Protocol::Http1 {
            ways.push(latency::polled_tightly(&host, scale).await);
            ways.push(latency::polled_at_pace(&host, scale).await);
        }
    }
    table::print(scale, &memory, &ways).expect("somebody reads the tables");
}
