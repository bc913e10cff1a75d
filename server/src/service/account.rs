//! An account's settings in a region: the commitment to a minimum of throughput.
//!
//! ```text
//!   (none) --begin--> ENABLED --end, a day after the begin or later--> DISABLED
//!                       |  ^
//!   end, before that    v  | begin
//!           ENABLED until the day is over ---- time ----> DISABLED
//! ```
//!
//! The row says when it began and when it ends; the state follows from the time.

use std::sync::{Mutex, PoisonError};

use flowstone_engine::Engine;
use flowstone_engine::catalog::{Table, Transaction};
use flowstone_engine::catalog_value;
use flowstone_engine::error::Error;
use flowstone_engine::types::Timestamp;
use rkyv::{Archive, Deserialize, Serialize};

/// Accounts that have settings, under `account/region`.
const ACCOUNTS: Table<String, AccountRow> = Table::new("server.accounts");

/// Milliseconds that a commitment lasts at least.
const COMMITMENT_MS_MIN: u64 = 24 * 3_600_000;

/// Accounts, in all regions, that may have settings.
pub const ACCOUNTS_MAX: usize = 10_000;

/// What is kept of an account in a region.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
struct AccountRow {
    /// When the commitment began, in milliseconds since 1970.
    committed_ms: u64,
    /// When it ended or is to end.
    ends_ms: Option<u64>,
}

catalog_value!(AccountRow, version = 1);

/// The commitment to a minimum of throughput, as it is at some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commitment {
    /// There never was one.
    None,
    /// It is on.
    On {
        /// When it began.
        since: Timestamp,
        /// Whether it ends by itself as soon as it may.
        is_ending: bool,
    },
    /// There was one.
    Ended {
        /// When it began.
        since: Timestamp,
        /// When it ended.
        at: Timestamp,
    },
}

impl Commitment {
    /// Whether it is on.
    #[must_use]
    pub fn is_on(self) -> bool {
        matches!(self, Commitment::On { .. })
    }

    /// When one that began at `since` may end.
    #[must_use]
    pub fn earliest_end(since: Timestamp) -> Timestamp {
        Timestamp(since.0.saturating_add(COMMITMENT_MS_MIN))
    }

    fn of(row: Option<&AccountRow>, now: Timestamp) -> Commitment {
        let Some(row) = row else { return Commitment::None };
        let since = Timestamp(row.committed_ms);
        match row.ends_ms.map(Timestamp) {
            Some(at) if at <= now => Commitment::Ended { since, at },
            ends => Commitment::On { since, is_ending: ends.is_some() },
        }
    }
}

/// Why settings were not changed.
#[derive(Debug)]
pub enum AccountError {
    /// [`ACCOUNTS_MAX`] accounts have settings.
    TooManyAccounts,
    /// The engine failed.
    Engine(Error),
}

impl From<Error> for AccountError {
    fn from(error: Error) -> AccountError {
        AccountError::Engine(error)
    }
}

/// The settings of all accounts. Every call reads the catalog: call where blocking is allowed.
#[derive(Debug, Default)]
pub struct Accounts {
    /// Held while a row changes, so that no change is lost to another.
    changing: Mutex<()>,
}

impl Accounts {
    /// The commitment of `account` in `region`.
    pub fn commitment(
        &self,
        engine: &Engine,
        now: Timestamp,
        account: &str,
        region: &str,
    ) -> Result<Commitment, Error> {
        let row = engine.catalog().load(&ACCOUNTS, &key(account, region))?;
        Ok(Commitment::of(row.as_ref(), now))
    }

    /// Begins or ends the commitment; durable when this returns.
    pub fn commit(
        &self,
        engine: &Engine,
        now: Timestamp,
        (account, region): (&str, &str),
        is_wanted: bool,
    ) -> Result<Commitment, AccountError> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let key = key(account, region);
        let row = engine.catalog().load(&ACCOUNTS, &key)?;
        let new = match (Commitment::of(row.as_ref(), now), is_wanted) {
            (Commitment::None | Commitment::Ended { .. }, true) => {
                if row.is_none() && engine.catalog().scan(&ACCOUNTS)?.len() >= ACCOUNTS_MAX {
                    return Err(AccountError::TooManyAccounts);
                }
                AccountRow { committed_ms: now.0, ends_ms: None }
            }
            (Commitment::On { since, is_ending: true }, true) => {
                AccountRow { committed_ms: since.0, ends_ms: None }
            }
            (Commitment::On { since, is_ending: false }, false) => AccountRow {
                committed_ms: since.0,
                ends_ms: Some(Commitment::earliest_end(since).max(now).0),
            },
            (same, _) => return Ok(same),
        };
        let mut transaction = Transaction::new();
        transaction.put(&ACCOUNTS, &key, &new);
        engine.catalog().commit(transaction)?;
        Ok(Commitment::of(Some(&new), now))
    }
}

/// The row's key. No part has a slash.
fn key(account: &str, region: &str) -> String {
    [account, region].join("/")
}
