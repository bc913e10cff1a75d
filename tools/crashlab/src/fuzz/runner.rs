//! Fuzzing without a fuzzer: seeds, then deterministic mutations of them.

use std::panic::{AssertUnwindSafe, catch_unwind};

use flowstone_engine::entropy::SeededEntropy;

use crate::fuzz::{Target, mutate};

/// Runs `target` over its seeds and then over mutations, `executions` times in all. `Err` is the
/// first input that panics, as hex.
pub fn run(target: &Target, seed: u64, executions: u64) -> Result<(), String> {
    let corpus = (target.seeds)();
    let entropy = SeededEntropy::new(seed);
    for execution in 0..executions {
        let index = usize::try_from(execution).expect("executions fit in memory's numbers");
        let data = match corpus.get(index) {
            Some(seed) => seed.clone(),
            None => mutate::next(&corpus, &entropy),
        };
        execute(target, &data)?;
    }
    Ok(())
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
