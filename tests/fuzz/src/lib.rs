//! What the targets share: handing a body's inputs over to libFuzzer.

use std::sync::Once;

use flowstone_crashlab::fuzz::{Target, target};

pub use libfuzzer_sys::fuzz_target;

/// Feeds `data` to the target called `name`.
pub fn feed(name: &str, data: &[u8]) {
    static QUIET: Once = Once::new();
    // libFuzzer's hook ends the process at any panic. The catalog catches those of its database and
    // tells them as errors: only a panic that gets out of a body counts, and libfuzzer-sys sees it.
    QUIET.call_once(|| std::panic::set_hook(Box::new(|info| eprintln!("{info}"))));
    let Target { body, .. } = target(name).expect("the target is in the list");
    body(data);
}

/// A target's whole file.
#[macro_export]
macro_rules! fuzz {
    ($name:ident) => {
        $crate::fuzz_target!(|data: &[u8]| $crate::feed(stringify!($name), data));
    };
}
