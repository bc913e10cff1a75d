//! File descriptors: as many as the process may have, and connections within them.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors that are not for connections: journal, segments, catalog, the runtime's own.
const RESERVED: u64 = 1024;

/// Raises the process's limit as far as it may, and answers how many of `connections_max` fit.
#[must_use]
pub fn make_room(connections_max: usize) -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if limit.current != limit.maximum
        && let Err(error) = setrlimit(Resource::Nofile, raised)
    {
        tracing::warn!(%error, "limit on open files cannot be raised");
    }
    let descriptors = getrlimit(Resource::Nofile).current;
    let connections = fitting(descriptors, connections_max);
    if connections < connections_max {
        tracing::warn!(
            descriptors,
            connections_max,
            connections,
            "limit on open files is too low for connections_max: fewer connections are taken at \
             once; raise the hard limit (ulimit -Hn, LimitNOFILE)"
        );
    }
    connections
}

/// How many of `connections_max` fit into `descriptors`, which may be without a limit.
fn fitting(descriptors: Option<u64>, connections_max: usize) -> usize {
    let Some(descriptors) = descriptors else { return connections_max };
    let room = descriptors - RESERVED.min(descriptors / 2);
    usize::try_from(room).unwrap_or(usize::MAX).clamp(1, connections_max.max(1))
}

#[cfg(test)]
mod tests;
