//! Criterion benches of the engine, from a frame to a recovery.
//!
//! | file         | measures |
//! |--------------|----------|
//! | `frame.rs`   | building a batch, encoding a commit, scanning a journal file |
//! | `layout.rs`  | the flat record layout beside rkyv |
//! | `commit.rs`  | durable appends: one writer, many writers |
//! | `depth.rs`   | how many commits in flight |
//! | `read.rs`    | reading the hot tail |
//! | `seal.rs`    | sealing, and reading what is sealed |
//! | `recover.rs` | reading a journal back |

#![allow(missing_docs, reason = "criterion's macros make public items")]

mod commit;
mod depth;
mod frame;
mod layout;
mod read;
mod recover;
mod seal;

criterion::criterion_group!(
    engine,
    frame::bench,
    layout::bench,
    commit::bench,
    depth::bench,
    read::bench,
    recover::bench,
    seal::bench
);
criterion::criterion_main!(engine);
