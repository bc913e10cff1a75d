//! One token bucket, in whole numbers: a thousandth of a token is the unit inside.

/// Thousandths of a token: one millisecond at one token a second brings one.
const UNITS: u64 = 1000;

/// How fast a bucket fills. It holds what one second brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    per_s: u64,
}

impl Rate {
    /// `per_s` tokens a second; `None` for 0, which is no limit, and above
    /// [`RATE_MAX`](super::RATE_MAX).
    #[must_use]
    pub fn new(per_s: u64) -> Option<Rate> {
        (1..=super::RATE_MAX).contains(&per_s).then_some(Rate { per_s })
    }

    /// Tokens a second.
    #[must_use]
    pub fn per_s(self) -> u64 {
        self.per_s
    }

    fn full(self) -> i64 {
        units(self.per_s)
    }
}

/// Tokens that are left. More can be taken than are there, as long as the bucket is full enough:
/// what is owed is paid before anything else is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Thousandths of a token; below 0 when some are owed.
    level: i64,
    /// When the level was right.
    at_ms: u64,
}

impl Bucket {
    /// A full bucket.
    #[must_use]
    pub fn full(rate: Rate, now_ms: u64) -> Bucket {
        Bucket { level: rate.full(), at_ms: now_ms }
    }

    /// A bucket that nobody asks.
    #[must_use]
    pub fn empty() -> Bucket {
        Bucket { level: 0, at_ms: 0 }
    }

    /// Whether `count` tokens are there; a bucket that is full has any number, so that one large
    /// record passes at some time.
    #[must_use]
    pub fn has(&mut self, rate: Rate, now_ms: u64, count: u64) -> bool {
        self.refill(rate, now_ms);
        self.level >= units(count).min(rate.full())
    }

    /// Whether anything is there.
    #[must_use]
    pub fn has_some(&mut self, rate: Rate, now_ms: u64) -> bool {
        self.refill(rate, now_ms);
        self.level > 0
    }

    /// Takes `count` tokens, there or not.
    pub fn spend(&mut self, count: u64) {
        self.level = self.level.saturating_sub(units(count));
    }

    /// Takes `count` tokens, and also what had been saved up if that is more than a second brings:
    /// after an answer of five seconds' worth, nothing is there for five seconds.
    pub fn spend_all(&mut self, rate: Rate, count: u64) {
        if units(count) > rate.full() {
            self.level = self.level.min(0);
        }
        self.spend(count);
    }

    /// Takes `count` tokens if they are there.
    pub fn take(&mut self, rate: Rate, now_ms: u64, count: u64) -> bool {
        let has = self.has(rate, now_ms, count);
        if has {
            self.spend(count);
        }
        has
    }

    /// Puts back what was taken for nothing.
    pub fn give_back(&mut self, rate: Rate, count: u64) {
        self.level = self.level.saturating_add(units(count)).min(rate.full());
    }

    /// Whether it is as good as new.
    #[must_use]
    pub fn is_full(&mut self, rate: Rate, now_ms: u64) -> bool {
        self.refill(rate, now_ms);
        self.level == rate.full()
    }

    /// Milliseconds until something is there.
    #[must_use]
    pub fn ready_in_ms(&mut self, rate: Rate, now_ms: u64) -> u64 {
        if self.has_some(rate, now_ms) {
            return 0;
        }
        (self.level.unsigned_abs() + 1).div_ceil(rate.per_s)
    }

    fn refill(&mut self, rate: Rate, now_ms: u64) {
        let passed_ms = now_ms.saturating_sub(self.at_ms);
        let brought = i64::try_from(passed_ms.saturating_mul(rate.per_s)).unwrap_or(i64::MAX);
        self.level = self.level.saturating_add(brought).min(rate.full());
        self.at_ms = self.at_ms.max(now_ms);
    }
}

fn units(count: u64) -> i64 {
    i64::try_from(count.saturating_mul(UNITS)).unwrap_or(i64::MAX)
}
