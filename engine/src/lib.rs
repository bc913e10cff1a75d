//! The durable log engine of Flowstone.
//!
//! Many shard logs, one journal: a commit writes what every shard has to say in one write and one
//! flush, and only then is anything acknowledged. `DESIGN.md` at the root of the repository is the
//! contract: bytes on disk, what an acknowledgement means, what recovery does.

mod engine;

pub mod catalog;
pub mod clock;
pub mod entropy;
pub mod error;
pub mod frame;
pub mod io;
pub mod journal;
pub mod limits;
pub mod planted;
pub mod segment;
pub mod shard;
pub mod types;

pub use engine::{Appended, Closing, Crew, Engine, Options, RecoveryReport, ShardSpec, Status};
pub use engine::{Inventory, SegmentEntry, ShardEntry, take_inventory};
pub use rkyv;
