//! The benchmark harness: loads a streaming system as its users would, and says how fast it is
//! beside what the machine can do at best.
//!
//! ```text
//!   plan --> round 1..n of each workload:  anchors | system A | system B | ...
//!                |                            |
//!                v                            v
//!            samples ----- medians -----> figures (ours, anchor, ratio) --> report
//! ```
//!
//! | file or folder  | owns |
//! |-----------------|------|
//! | `anchor/`       | what the machine can do: append and flush, loopback, memory |
//! | `load/`         | closed and open loops, latencies |
//! | `system/`       | systems under load: how they are started and spoken to |
//! | `workload/`     | what is asked of them |
//! | `figure.rs`     | a measured quantity beside its anchor, over rounds |
//! | `report/`       | tables, JSON, plots |
//! | `plan.rs`       | which workloads, and how often |
//! | `scale.rs`      | how much is measured |
//! | `cores.rs`      | which thread and process runs on which core |
//! | `machine.rs`    | what machine this is |
//! | `payload.rs`    | the bytes of records |
//! | `stopwatch.rs`  | the one place that asks for the time |
//!
//! **Invariant** the server has the first core that this process may use, the load the others; on a
//! machine of one core they share it, and the report says so.
//! **Invariant** an open loop counts latency from when an operation was due, not from when it was
//! sent: a stalled server cannot hide behind the operations that were not sent meanwhile.
//! **Invariant** every round measures the anchors too: a figure is compared with what the machine
//! could do in the same minute.

pub mod anchor;
pub mod cores;
pub mod figure;
pub mod load;
pub mod machine;
pub mod payload;
pub mod plan;
pub mod report;
pub mod scale;
pub mod stopwatch;
pub mod system;
pub mod workload;
