//! Fuzzing without a fuzzer: seeds, then deterministic mutations of them.

use std::panic::{AssertUnwindSafe, catch_unwind};

use flowstone_engine::entropy::SeededEntropy;

use crate::fuzz::{Target, mutate};

/// Runs `target` over its seeds and then over mutations, `executions` times in all. `Err` is the
/// first input that panics, as hex.
pub fn run(target: &Target, seed: u64, executions: u64) -> Result<(), String> {
    Inputs::of(target, seed).try_for_each(target, executions)
}

/// The same until `is_over`, which is asked every `stride` executions. Also says how many there
/// were.
pub fn run_until(
    target: &Target,
    seed: u64,
    stride: u64,
    is_over: impl Fn() -> bool,
) -> (u64, Result<(), String>) {
    let mut inputs = Inputs::of(target, seed);
    let mut ran = Ok(());
    while ran.is_ok() && !is_over() {
        ran = inputs.try_for_each(target, stride);
    }
    (inputs.made, ran)
}

/// The inputs of a target under a seed, one after the other.
struct Inputs {
    corpus: Vec<Vec<u8>>,
    entropy: SeededEntropy,
    made: u64,
}

impl Inputs {
    fn of(target: &Target, seed: u64) -> Inputs {
        Inputs { corpus: (target.seeds)(), entropy: SeededEntropy::new(seed), made: 0 }
    }

    fn try_for_each(&mut self, target: &Target, executions: u64) -> Result<(), String> {
        for _ in 0..executions {
            let index = usize::try_from(self.made).expect("executions fit in memory's numbers");
            self.made += 1;
            match self.corpus.get(index) {
                Some(seed) => execute(target, seed)?,
                None => execute(target, &mutate::next(&self.corpus, &self.entropy))?,
            }
        }
        Ok(())
    }
}

/// Runs `target` once. `Err` is the input as hex.
pub fn execute(target: &Target, data: &[u8]) -> Result<(), String> {
    let body = AssertUnwindSafe(|| (target.body)(data));
    catch_unwind(body).map_err(|_| data.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The bytes that `hex` stands for.
#[must_use]
pub fn unhex(hex: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = hex
        .chars()
        .map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()))
        .collect::<Option<_>>()?;
    Some(
        digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect(),
    )
}
