//! Records of delivery logs: `tests/src/fuzz/queue_event.rs`.
#![no_main]

flowstone_fuzz::fuzz!(queue_event);
