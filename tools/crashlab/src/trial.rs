//! Back ends tried on stores that are right and wrong, for tests.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::backend::{BackEnd, Lab};
use crate::target::Target;
use crate::verdict::Tally;

/// What up to `units` units of `back_end` find wrong with `target`. `None`, with words, where the
/// machine cannot do it.
pub(crate) fn findings(back_end: &dyn BackEnd, target: Target, units: u64) -> Option<Tally> {
    let scratch = TempDir::new().unwrap();
    let lab = Lab { target, seed: 7, scratch: scratch.path().to_owned() };
    if let Err(reason) = back_end.detect(&lab) {
        eprintln!("SKIPPED, nothing was tested: {}: {reason}", back_end.name());
        return None;
    }
    let mut worker = back_end.worker(&lab, 0).unwrap();
    let mut tally = Tally::default();
    for unit in 0..units {
        worker.unit(unit, &mut tally).unwrap();
        if tally.broken_in_all() > 0 {
            break;
        }
    }
    Some(tally)
}

/// Flowstone's engine with a bug. The lab's binary speaks for it, which is not built for unit tests
/// alone: `None`, with words, where it is missing.
pub(crate) fn own(bug: Option<&str>) -> Option<Target> {
    let test = std::env::current_exe().unwrap();
    let beside = test.ancestors().nth(2).map(|folder| folder.join("flowstone-crashlab"));
    let Some(binary) = beside.filter(|path: &PathBuf| path.is_file()) else {
        eprintln!("SKIPPED, nothing was tested: `cargo build -p flowstone-crashlab` first");
        return None;
    };
    let arguments = bug.map(|bug| ["--plant".to_owned(), bug.to_owned()]);
    Some(Target::Own { binary, arguments: arguments.into_iter().flatten().collect() })
}

/// Where the example of an adapter is.
pub(crate) fn example_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("adapters/example.py")
}

/// The store in the Python program `script`.
pub(crate) fn python(script: &Path, arguments: &[&str]) -> Target {
    let all = [script.display().to_string()].into_iter();
    let arguments = all.chain(arguments.iter().map(ToString::to_string)).collect();
    Target::Command { program: "python3".into(), arguments }
}
