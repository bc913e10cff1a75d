//! Losses behind the server's back, which the kill loop must notice.

use std::io;

use tempfile::TempDir;

use crate::backend::Lab;
use crate::kill::rounds::{Plan, Plant, run};
use crate::planted::{Caught, Planted};
use crate::server::{Setup, find_binary};

/// Rounds before the loss.
const ROUNDS: u64 = 3;

pub(super) fn all() -> Vec<Planted> {
    let planted = |bug: &str, what, plant| Planted {
        bug: bug.to_owned(),
        what,
        caught_by: "kill, of the server",
        catch: Box::new(move |lab| catch(plant, lab)),
    };
    vec![
        planted("ZeroedFrame", "a frame of acknowledged records is zeroed on disk", Plant::Loss),
        planted(
            "UnsentAcknowledgement",
            "a consumer claims to have acknowledged a record of a queue, and never did",
            Plant::Acknowledgement,
        ),
    ]
}

fn catch(plant: Plant, lab: &Lab) -> io::Result<Caught> {
    let binary = match find_binary() {
        Ok(binary) => binary,
        Err(error) => return Ok(Caught::Skipped(error.to_string())),
    };
    let folder = TempDir::new_in(&lab.scratch)?;
    let setup = Setup {
        binary,
        data: folder.path().join("data"),
        log: folder.path().join("log"),
        journal_file_bytes: 1 << 20,
    };
    let plan = Plan {
        rounds: ROUNDS,
        writers: 4,
        round_records_max: 2000,
        seed: lab.seed,
        plant: Some(plant),
    };
    let outcome = run(&plan, &setup, &mut io::sink());
    let outcome = outcome.map_err(|failure| io::Error::other(failure.to_string()))?;
    Ok(match outcome.failures.into_iter().next() {
        Some((broken, what)) => Caught::Yes(format!("{}: {what}", broken.name())),
        None => Caught::No,
    })
}
