//! What a stream may be kept warm for, and who may ask for it.

use crate::api::streams::State;
use crate::api::streams::error::limit_exceeded;
use crate::wire::Exception;

/// MiB a second that a stream can be kept warm for.
const WARM_MIBPS_MAX: u32 = 10 * 1024;

/// Holds what is asked for, if anything is, against the bound and the account's commitment, which
/// the service demands. Reads the catalog: call where blocking is allowed.
pub(super) fn check_warm(
    state: &State,
    account: &str,
    region: &str,
    warm_mibps: Option<u32>,
) -> Result<(), Exception> {
    let Some(mibps) = warm_mibps else { return Ok(()) };
    if mibps > WARM_MIBPS_MAX {
        return Err(limit_exceeded(format!(
            "WarmThroughputMiBps {mibps} is above the limit of {WARM_MIBPS_MAX} for a stream."
        )));
    }
    let commitment = state.accounts.commitment(&state.engine, state.now(), account, region)?;
    if commitment.is_on() {
        return Ok(());
    }
    Err(Exception::invalid_argument(format!(
        "WarmThroughputMiBps can only be provided for accounts that have \
         MinimumThroughputBillingCommitment enabled; account {account} does not."
    )))
}
