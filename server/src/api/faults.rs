//! The table from engine errors to AWS codes.
//!
//! | kind | answer | because |
//! |------|--------|---------|
//! | `Invalid` | 400 InvalidArgumentException | the request can never succeed |
//! | `NotFound` | 400 ResourceNotFoundException | the stream went away meanwhile |
//! | `AlreadyExists` | 400 ResourceInUseException | the same |
//! | `Trimmed` | 500 InternalFailure | operations go on at the trim horizon by themselves |
//! | `Full` | 400 ProvisionedThroughputExceededException | SDKs back off and try again |
//! | `Fenced`, `Unavailable` | 503 ServiceUnavailable | SDKs try again |
//! | `Closed` | 503 ServiceUnavailable | the server is stopping: SDKs try its successor; a shard closed, and again its child, and so on |
//! | `Corrupt`, `Poisoned` | 500 InternalFailure | an operator must look: the log says where |

use flowstone_engine::error::{Error, ErrorKind};

use crate::wire::Exception;

impl From<Error> for Exception {
    fn from(error: Error) -> Exception {
        match error.kind() {
            ErrorKind::Invalid => Exception::invalid_argument(error.message().to_owned()),
            ErrorKind::NotFound => {
                Exception::client("ResourceNotFoundException", "The stream was deleted.")
            }
            ErrorKind::AlreadyExists => {
                Exception::client("ResourceInUseException", "The stream already exists.")
            }
            ErrorKind::Full => Exception::client(
                "ProvisionedThroughputExceededException",
                "The server has no room for more records at the moment.",
            ),
            ErrorKind::Fenced | ErrorKind::Unavailable => {
                tracing::warn!(%error, "operation failed");
                Exception::unavailable("The shard cannot be reached at the moment.")
            }
            ErrorKind::Closed if error.is_shard_closed() => {
                Exception::unavailable("The shard is being split or merged.")
            }
            ErrorKind::Closed => Exception::unavailable("The server is stopping."),
            ErrorKind::Trimmed | ErrorKind::Corrupt | ErrorKind::Poisoned => {
                tracing::error!(%error, "operation failed");
                Exception::internal()
            }
        }
    }
}
