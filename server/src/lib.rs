//! The Flowstone server: Kinesis APIs over the Flowstone engine.
//!
//! ```text
//!   config --> server --> http --> api::streams --> service --> flowstone_engine
//!                                       \------> wire <-------- (formats; knows none of them)
//! ```
//!
//! | module       | owns |
//! |--------------|------|
//! | [`config`]   | flags, environment, file |
//! | [`log`]      | the log |
//! | [`banner`]   | what to paste next |
//! | [`descriptors`] | as many open files as the process may have |
//! | [`memory`]   | how much memory there is |
//! | [`server`]   | opening, serving, closing |
//! | [`http`]     | connections, requests, answers |
//! | [`api`]      | the front-ends, one folder a service |
//! | [`wire`]     | the AWS formats without any service's words |
//! | [`planted`]  | bugs that tests plant |
//! | [`service`]  | streams: registry, routing, sequence numbers, iterators |

pub mod api;
pub mod banner;
pub mod config;
pub mod descriptors;
pub mod http;
pub mod log;
pub mod memory;
pub mod planted;
pub mod server;
pub mod service;
pub mod wire;
