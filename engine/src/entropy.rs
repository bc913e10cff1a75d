//! The randomness seam: salts and keys come from here, so that a seed replays.

use std::fmt;

/// Where the engine gets random numbers.
pub trait Entropy: Send + Sync + fmt::Debug {
    /// Sixty-four random bits.
    fn bits(&self) -> u64;
}

/// The operating system's generator.
#[derive(Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn bits(&self) -> u64 {
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes).expect("the operating system has a random number generator");
        u64::from_le_bytes(bytes)
    }
}

/// A reproducible generator (SplitMix64), for tests.
#[cfg(feature = "testing")]
#[derive(Debug)]
pub struct SeededEntropy(std::sync::atomic::AtomicU64);

#[cfg(feature = "testing")]
impl SeededEntropy {
    /// A generator whose whole output follows from `seed`.
    #[must_use]
    pub fn new(seed: u64) -> SeededEntropy {
        SeededEntropy(std::sync::atomic::AtomicU64::new(seed))
    }

    /// A number in `0..bound`; 0 when `bound` is 0.
    pub fn below(&self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.bits() % bound }
    }

    /// An index in `0..length`; 0 when `length` is 0.
    pub fn index(&self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).expect("below a usize")
    }
}

#[cfg(feature = "testing")]
impl Entropy for SeededEntropy {
    fn bits(&self) -> u64 {
        const GOLDEN_GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;
        let step = self.0.fetch_add(GOLDEN_GAMMA, std::sync::atomic::Ordering::SeqCst);
        let mut z = step.wrapping_add(GOLDEN_GAMMA);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests;
