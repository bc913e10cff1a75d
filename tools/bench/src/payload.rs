//! The bytes of records: lines like those of a web service's log, which compress about as logs do.

use std::fmt::Write as _;

/// Multiplies the state of the generator: Knuth's, for 64 bits.
const STEP: u64 = 6_364_136_223_846_793_005;

/// Makes records. The same seed makes the same ones.
#[derive(Clone, Debug)]
pub struct Payload(u64);

impl Payload {
    /// Records of `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Payload {
        Payload(seed.wrapping_mul(2).wrapping_add(1))
    }

    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(STEP).wrapping_add(0x9E37_79B9_7F4A_7C15);
        (self.0 >> 33) % end
    }

    /// A record of `bytes` bytes: log lines in JSON, the last one cut.
    pub fn record(&mut self, bytes: usize) -> Vec<u8> {
        const PATHS: [&str; 6] =
            ["/api/v1/orders", "/api/v1/items", "/login", "/health", "/static/app.js", "/search"];
        const METHODS: [&str; 3] = ["GET", "POST", "PUT"];
        let mut text = String::with_capacity(bytes + 256);
        while text.len() < bytes {
            let (method, path) = (METHODS[self.pick(3)], PATHS[self.pick(6)]);
            let status = [200, 200, 200, 304, 404, 500][self.pick(6)];
            let (at, user, id) = (self.below(86_400_000), self.below(50_000), self.below(1 << 31));
            let micros = 200 + self.below(40_000);
            let line = writeln!(
                text,
                "{{\"at\":{},\"method\":\"{method}\",\"path\":\"{path}/{user}\",\"status\":{status},\
                 \"micros\":{micros},\"trace\":\"{id:08x}{at:08x}\",\"agent\":\"Mozilla/5.0\"}}",
                1_700_000_000_000 + at
            );
            line.expect("a string takes any text");
        }
        text.truncate(bytes);
        text.into_bytes()
    }

    fn pick(&mut self, count: u64) -> usize {
        usize::try_from(self.below(count)).expect("a handful")
    }
}
