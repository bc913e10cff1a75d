//! Where calls run that wait for the disk.

use flowstone_engine::error::{Error, ErrorKind, Result};

/// Where calls run that wait for the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offload {
    /// On the runtime's threads for that.
    Threads,
    /// Here and now: in simulations, which have no runtime.
    Inline,
}

impl Offload {
    /// Runs `call` to its end, also when the caller goes away.
    pub async fn run<T: Send + 'static>(
        self,
        call: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        match self {
            Offload::Inline => call(),
            Offload::Threads => tokio::task::spawn_blocking(call).await.unwrap_or_else(|error| {
                let message = "a call that waits for the disk ended early";
                Err(Error::new(ErrorKind::Unavailable, message).because(error))
            }),
        }
    }

    /// Runs `call` without waiting for it.
    pub fn start(self, call: impl FnOnce() + Send + 'static) {
        match self {
            Offload::Inline => call(),
            Offload::Threads => drop(tokio::task::spawn_blocking(call)),
        }
    }
}
