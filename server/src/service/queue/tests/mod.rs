//! Tests of queues: the core without a disk, and the whole on one.

mod codec;
mod measure;
mod model;
mod whole;
