//! What a session says of itself: every check has a name and is counted; the first that does not
//! hold ends the session.

use std::fmt::Debug;
use std::future::Future;
use std::process::exit;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use aws_sdk_kinesis::primitives::DateTime;

const WAIT_MAX: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(20);
const SKEW_SECS_MAX: f64 = 600.0;
const DETAIL_CHARACTERS_MAX: usize = 2000;

static PASSED: AtomicUsize = AtomicUsize::new(0);

/// Counts one check.
pub fn that(name: &str, holds: bool, detail: impl Debug) {
    if !holds {
        let detail: String = format!("{detail:?}").chars().take(DETAIL_CHARACTERS_MAX).collect();
        println!("  FAIL  {name} {detail}");
        exit(1);
    }
    PASSED.fetch_add(1, Ordering::Relaxed);
    println!("  ok    {name}");
}

pub fn equal<T: PartialEq + Debug>(name: &str, found: T, expected: T) {
    that(name, found == expected, format!("found={found:?} expected={expected:?}"));
}

/// What a call that has to succeed gave.
pub fn must<T, E: Debug>(what: &str, answer: Result<T, E>) -> T {
    answer.unwrap_or_else(|error| {
        println!("  FAIL  {what}: {error:?}");
        exit(1);
    })
}

/// The call must be refused as the exception that `is` looks for.
pub fn refused<T: Debug, E: Debug>(name: &str, answer: Result<T, E>, is: impl Fn(&E) -> bool) {
    let holds = answer.as_ref().is_err_and(is);
    that(name, holds, answer);
}

/// The time is now, give or take minutes.
pub fn is_recent(time: Option<&DateTime>) -> bool {
    let now = DateTime::from(SystemTime::now()).as_secs_f64();
    time.is_some_and(|time| (time.as_secs_f64() - now).abs() < SKEW_SECS_MAX)
}

/// Asks until the answer is true.
pub async fn until<F: Future<Output = bool>>(what: &str, mut ask: impl FnMut() -> F) {
    let began = Instant::now();
    while !ask().await {
        if began.elapsed() > WAIT_MAX {
            that(&format!("waiting for {what}"), false, "it takes too long");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// The closing line.
pub fn close(session: &str) {
    println!("{session}: {} checks passed, 0 failed", PASSED.load(Ordering::Relaxed));
}
