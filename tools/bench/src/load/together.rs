//! Loops that run side by side on one thread, until all have ended.

use std::io;
use std::time::Duration;

use tokio::task::{JoinSet, LocalSet};

use super::{Latencies, Measured, Span};

/// Runs all `loops`. The first one that fails ends them.
pub(super) async fn all<T: 'static>(
    loops: impl Iterator<Item = impl Future<Output = io::Result<T>> + 'static>,
) -> io::Result<Vec<T>> {
    let local = LocalSet::new();
    let mut running = JoinSet::new();
    for one in loops {
        running.spawn_local_on(one, &local);
    }
    let ended = local.run_until(async {
        let mut all = Vec::new();
        while let Some(ended) = running.join_next().await {
            all.push(ended.map_err(io::Error::other)??);
        }
        Ok(all)
    });
    ended.await
}

/// What loops that ran for `span` amount to.
pub(super) fn measured(loops: &[Latencies], span: Span) -> Measured {
    let mut latencies = Latencies::default();
    loops.iter().for_each(|one| latencies.add(one));
    let seconds = Duration::as_secs_f64(&span.counted);
    Measured { operations: latencies.count(), latencies, seconds }
}
