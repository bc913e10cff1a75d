//! Whole-system tests of Flowstone: what they drive the real server with.
//!
//! | module    | owns |
//! |-----------|------|
//! | `http`    | a blocking HTTP/1.1 connection |
//! | `kinesis` | the API calls that the tests make, over it |
//! | `server`  | the real server as a child process: start, kill, stop |
//! | `random`  | reproducible random numbers |
//! | `crash`   | the kill -9 loop: load, kill, restart, read back, check |
//! | `model`   | what the server says of its own operations |
//! | `fuzz`    | a body for each decoder, under fuzz |
//! | `sim`     | whole engines on the simulated disk |
//!
//! `tests/` holds what `cargo test` runs by itself, `interop/` the sessions of real clients.

pub mod crash;
pub mod fuzz;
pub mod http;
pub mod kinesis;
pub mod model;
pub mod random;
pub mod server;
pub mod sim;
