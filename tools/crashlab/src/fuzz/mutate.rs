//! New inputs out of old ones, the same for the same seed.

use flowstone_engine::entropy::{Entropy, SeededEntropy};

use crate::fuzz::edit::edit_once;
use crate::fuzz::input::Input;

/// Bytes of an input.
const INPUT_BYTES_MAX: usize = 128 * 1024;

/// The input that follows from `corpus` and the next numbers of `entropy`.
pub fn next(corpus: &[Vec<u8>], entropy: &SeededEntropy) -> Vec<u8> {
    let mut data = match entropy.below(8) {
        0 => random(entropy, 64),
        1 => splice(corpus, entropy),
        _ => pick(corpus, entropy),
    };
    for _ in 0..entropy.below(6) {
        let choices = random(entropy, 32);
        edit_once(&mut data, &mut Input::new(&choices));
    }
    if entropy.below(4) == 0 {
        data.extend(random(entropy, 16));
    }
    data.truncate(INPUT_BYTES_MAX);
    data
}

fn pick(corpus: &[Vec<u8>], entropy: &SeededEntropy) -> Vec<u8> {
    corpus.get(entropy.index(corpus.len())).cloned().unwrap_or_default()
}

/// The head of one input and the tail of another.
fn splice(corpus: &[Vec<u8>], entropy: &SeededEntropy) -> Vec<u8> {
    let (mut head, tail) = (pick(corpus, entropy), pick(corpus, entropy));
    head.truncate(entropy.index(head.len() + 1));
    head.extend_from_slice(&tail[entropy.index(tail.len() + 1)..]);
    head
}

fn random(entropy: &SeededEntropy, bytes_max: u64) -> Vec<u8> {
    (0..entropy.below(bytes_max + 1)).map(|_| entropy.bits().to_le_bytes()[7]).collect()
}
