//! Event-stream frames: `tests/src/fuzz/event_stream.rs`.
#![no_main]

flowstone_fuzz::fuzz!(event_stream);
