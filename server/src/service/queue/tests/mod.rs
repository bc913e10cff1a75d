//! Tests of queues' core, without a disk.

mod codec;
mod measure;
mod model;
