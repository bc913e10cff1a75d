//! The identities that go with each answer: random enough to be told apart, cheap to make.

use std::sync::atomic::{AtomicU64, Ordering};

use base64_simd::STANDARD;
use flowstone_engine::entropy::Entropy;

/// Bytes behind `x-amz-id-2`, as many as the service sends.
const EXTENDED_BYTES: usize = 72;

/// Makes identities: a counter, mixed (SplitMix64) from a random start.
#[derive(Debug)]
pub(super) struct RequestIds {
    state: AtomicU64,
}

impl RequestIds {
    pub(super) fn new(entropy: &dyn Entropy) -> RequestIds {
        RequestIds { state: AtomicU64::new(entropy.bits()) }
    }

    /// A random UUID.
    pub(super) fn request_id(&self) -> String {
        let high = self.bits() & !0xf000 | 0x4000;
        let low = self.bits() & !(0xc000 << 48) | 0x8000 << 48;
        format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            high >> 32,
            high >> 16 & 0xffff,
            high & 0xffff,
            low >> 48,
            low & 0xffff_ffff_ffff
        )
    }

    /// What support would ask for.
    pub(super) fn extended_id(&self) -> String {
        let mut bytes = [0; EXTENDED_BYTES];
        for word in bytes.chunks_exact_mut(8) {
            word.copy_from_slice(&self.bits().to_le_bytes());
        }
        STANDARD.encode_to_string(bytes)
    }

    fn bits(&self) -> u64 {
        const GOLDEN_GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;
        let mut z = self.state.fetch_add(GOLDEN_GAMMA, Ordering::Relaxed);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}
