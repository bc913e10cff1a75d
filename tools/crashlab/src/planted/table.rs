//! All planted bugs, and trying each.

use std::io;

use crate::backend::Lab;
use crate::flips;
use crate::planted::{server, store};

/// What came of a planted bug.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caught {
    /// It was noticed, in this way.
    Yes(String),
    /// It was not.
    No,
    /// This machine cannot do what must catch it.
    Skipped(String),
}

/// A planted bug.
pub struct Planted {
    /// Its name.
    pub bug: String,
    /// What it does wrong.
    pub what: &'static str,
    /// What must catch it.
    pub caught_by: &'static str,
    /// Tries it.
    pub catch: Catch,
}

/// Tries a planted bug.
pub type Catch = Box<dyn Fn(&Lab) -> io::Result<Caught>>;

/// All of them.
#[must_use]
pub fn all() -> Vec<Planted> {
    let simulated = crate::sim::planted::table();
    simulated.into_iter().chain(at_rest()).chain(store::all()).chain(server::all()).collect()
}

/// Bugs that damage to a disk at rest must show.
fn at_rest() -> impl Iterator<Item = Planted> {
    flips::planted::PLANTED.iter().map(|(bug, what, caught_by)| Planted {
        bug: format!("{bug:?}"),
        what,
        caught_by,
        catch: Box::new(|lab| {
            let caught = flips::planted::catch(*bug, lab.seed);
            Ok(caught.map_or(Caught::No, Caught::Yes))
        }),
    })
}
