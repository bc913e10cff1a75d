//! Scripted work of several consumers that follows from a seed.

use std::sync::Arc;

use flowstone_engine::clock::ManualClock;
use flowstone_engine::entropy::{Entropy, SeededEntropy};
use flowstone_engine::io::sim::SimDisk;
use flowstone_server::service::queue::{Ask, Lane, Place, Receipt, Received, Refusal, Wish};

use crate::sim::queue::history::{Broken, History};
use crate::sim::queue::shop::{Call, Shop, poll};
use crate::sim::rig::START;

/// What a workload is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Its name.
    pub name: &'static str,
    /// Steps.
    pub steps: usize,
    /// Records are up to this long.
    pub record_bytes: usize,
    /// One in so many steps reopens the engine; 0 never.
    pub reopen_every: u64,
    /// One in so many steps lets everything expire; 0 never.
    pub expire_every: u64,
}

/// Consumers alone.
pub const CONSUMERS: Shape =
    Shape { name: "consumers", steps: 90, record_bytes: 200, reopen_every: 0, expire_every: 0 };
/// Enough data to fill journal files and seal them.
pub const ROLLS: Shape = Shape { name: "rolls", record_bytes: 6000, ..CONSUMERS };
/// The process dies, or stops in order, again and again.
pub const RESTARTS: Shape = Shape { name: "restarts", steps: 120, reopen_every: 12, ..CONSUMERS };
/// Records expire in flight.
pub const EXPIRIES: Shape =
    Shape { name: "expiries", steps: 120, reopen_every: 30, expire_every: 30, ..CONSUMERS };

/// Milliseconds that the stream keeps its records.
const RETENTION_MS: u64 = 24 * 60 * 60 * 1000;

/// Calls under way at once.
const CALLS_MAX: usize = 6;

/// A run of a workload up to its end or to the machine's.
pub struct Run {
    /// The disk, as it was left.
    pub disk: Arc<SimDisk>,
    /// The clock.
    pub clock: Arc<ManualClock>,
    /// What happened.
    pub history: History,
    /// Errors that calls were answered with.
    pub errors: Vec<String>,
    /// Records put: no shard has more.
    put: u64,
    /// The longest that the delivery log was.
    pub log_bytes_max: usize,
}

enum UnderWay {
    Receive(Lane, Call<Received>),
    Grant(Vec<(Receipt, Wish)>, Call<Vec<Result<(), Refusal>>>),
}

/// Runs the workload `shape` of `seed` on a fresh disk that `prepare` may have set traps on.
pub fn run(
    shape: &Shape,
    seed: u64,
    prepare: impl FnOnce(&SimDisk),
) -> Result<Run, (Broken, Box<Run>)> {
    let disk = SimDisk::new(seed);
    prepare(&disk);
    let clock = Arc::new(ManualClock::at(START));
    let (history, errors) = (History::default(), Vec::new());
    let mut run = Run { disk, clock, history, errors, put: 0, log_bytes_max: 0 };
    match work(shape, seed, &mut run) {
        Ok(()) => Ok(run),
        Err(broken) => Err((broken, Box::new(run))),
    }
}

fn work(shape: &Shape, seed: u64, run: &mut Run) -> Result<(), Broken> {
    let random = SeededEntropy::new(seed ^ 0x5eed);
    let Some(mut shop) = open(run, random.bits()) else { return Ok(()) };
    let mut calls = Vec::new();
    for _ in 0..shape.steps {
        if run.disk.is_crashed() {
            break;
        }
        step(shape, &random, run, &mut shop, &mut calls)?;
        if hits(&random, shape.expire_every) {
            run.history.may_expire(run.put);
            run.clock.pass_ms(RETENTION_MS + 1);
        }
        if hits(&random, shape.reopen_every) {
            if random.below(2) == 0 {
                shop.rig.crew.commit_all();
                collect(run, &shop, &mut calls)?;
                let _ = shop.rig.engine.close();
                shop.rig.crew.commit_until_closed();
            }
            // Whoever waited is gone with the process.
            calls.clear();
            drop(shop);
            let Some(again) = open(run, random.bits()) else { return Ok(()) };
            shop = again;
        }
    }
    shop.rig.crew.commit_all();
    collect(run, &shop, &mut calls)
}

fn open(run: &mut Run, seed: u64) -> Option<Shop> {
    match Shop::open(&run.disk, &run.clock, seed) {
        Ok(shop) => Some(shop),
        Err(error) => {
            run.errors.push(error.to_string());
            None
        }
    }
}

fn hits(random: &SeededEntropy, every: u64) -> bool {
    every != 0 && random.below(every) == 0
}

fn step(
    shape: &Shape,
    random: &SeededEntropy,
    run: &mut Run,
    shop: &mut Shop,
    calls: &mut Vec<UnderWay>,
) -> Result<(), Broken> {
    // Records are put all the time, and nobody cares when they are durable: the queue does.
    let logs = shop.logs();
    for _ in 0..random.below(3) {
        let data = vec![7; random.index(shape.record_bytes)];
        run.put += 1;
        if let Err(error) = shop.rig.enqueue(logs[random.index(logs.len())], &[data]) {
            run.errors.push(error.to_string());
        }
    }
    if calls.len() < CALLS_MAX {
        let call =
            if random.below(5) < 2 { receive(random, shop) } else { wish(random, run, shop) };
        calls.extend(call);
    }
    if !calls.is_empty() && random.below(12) == 0 {
        // A client goes away.
        drop(calls.swap_remove(random.index(calls.len())));
    }
    for _ in 0..random.below(3) {
        shop.rig.crew.commit();
        collect(run, shop, calls)?;
    }
    collect(run, shop, calls)?;
    if random.below(4) == 0 {
        run.clock.pass_ms(random.below(40));
    }
    if random.below(6) == 0 {
        shop.rig.crew.seal();
    }
    if random.below(12) == 0 {
        shop.rig.crew.compact();
    }
    run.log_bytes_max = run.log_bytes_max.max(shop.log_bytes().unwrap_or_default());
    Ok(())
}

fn lane(random: &SeededEntropy) -> Lane {
    if random.below(4) == 0 { Lane::Dead } else { Lane::Normal }
}

fn receive(random: &SeededEntropy, shop: &Shop) -> Option<UnderWay> {
    let lane = lane(random);
    let ask =
        Ask { lane, records: 1 + random.index(10), visibility_ms: Some(random.below(4) * 25) };
    Some(UnderWay::Receive(lane, shop.receive(ask)))
}

/// A few wishes about deliveries, more about new ones than about old ones.
fn wish(random: &SeededEntropy, run: &mut Run, shop: &Shop) -> Option<UnderWay> {
    let lane = lane(random);
    let deliveries = run.history.deliveries.iter().rev().map(|it| it.receipt);
    let receipts: Vec<_> = deliveries.filter(|receipt| receipt.lane == lane).take(30).collect();
    let mut wishes = Vec::new();
    for _ in 0..1 + random.below(4) {
        let receipt = *receipts.get(random.index(receipts.len().max(1)))?;
        let wish = match random.below(6) {
            0 => Wish::Reappear(0),
            1 => Wish::Reappear(random.below(60)),
            2 | 3 if lane == Lane::Dead => Wish::Restore,
            _ => Wish::Acknowledge,
        };
        run.history.asked(&receipt, wish);
        wishes.push((receipt, wish));
    }
    let call = shop.grant(lane, wishes.clone());
    Some(UnderWay::Grant(wishes, call))
}

/// Notes which calls were answered.
fn collect(run: &mut Run, shop: &Shop, calls: &mut Vec<UnderWay>) -> Result<(), Broken> {
    let mut broken = Ok(());
    calls.retain_mut(|call| match call {
        UnderWay::Receive(lane, call) => match poll(call) {
            None => true,
            Some(Ok(received)) => {
                for delivery in shop.deliveries(*lane, &received) {
                    let noted = run.history.delivered(delivery, shop.now_ms());
                    broken = std::mem::replace(&mut broken, Ok(())).and(noted);
                }
                false
            }
            Some(Err(error)) => {
                run.errors.push(error.to_string());
                false
            }
        },
        UnderWay::Grant(wishes, call) => match poll(call) {
            None => true,
            Some(Ok(verdicts)) => {
                for ((receipt, wish), verdict) in wishes.iter().zip(verdicts) {
                    run.history.answered(receipt, *wish, verdict);
                }
                false
            }
            Some(Err(error)) => {
                run.errors.push(error.to_string());
                false
            }
        },
    });
    broken
}

/// Receives and acknowledges on a recovered queue until both lanes are empty and nothing is in
/// flight; answers what was delivered.
pub fn drain(
    shop: &mut Shop,
    clock: &ManualClock,
    history: &mut History,
) -> Result<std::collections::BTreeSet<Place>, Broken> {
    let mut drained = std::collections::BTreeSet::new();
    let failed = |error| Broken::DoesNotGoOn(format!("{error:?}"));
    // Longer than any visibility timeout.
    clock.pass_ms(1000);
    for lane in Lane::ALL {
        loop {
            let ask = Ask { lane, records: 10, visibility_ms: Some(1000) };
            let call = shop.receive(ask);
            let received = shop.finish(call).map_err(failed)?;
            if received.is_empty() {
                break;
            }
            let mut wishes = Vec::new();
            for delivery in shop.deliveries(lane, &received) {
                history.delivered(delivery, shop.now_ms())?;
                drained.insert(delivery.receipt.place);
                history.asked(&delivery.receipt, Wish::Acknowledge);
                wishes.push((delivery.receipt, Wish::Acknowledge));
            }
            let call = shop.grant(lane, wishes.clone());
            for ((receipt, wish), verdict) in wishes.iter().zip(shop.finish(call).map_err(failed)?)
            {
                if verdict.is_err() {
                    let what = format!("{receipt:?} is not acknowledged: {verdict:?}");
                    return Err(Broken::DoesNotGoOn(what));
                }
                history.answered(receipt, *wish, verdict);
            }
        }
    }
    Ok(drained)
}
