//! Criterion benches of the engine, from a frame to a recovery.
//!
//! | file         | measures |
//! |--------------|----------|
//! | `frame.rs`   | building a batch, encoding a commit, scanning a journal file |
//! | `layout.rs`  | the flat record layout beside rkyv |
//! | `commit.rs`  | durable appends: one writer, many writers |
//! | `read.rs`    | reading the hot tail |
//! | `recover.rs` | reading a journal back |

#![allow(missing_docs, reason = "criterion's macros make public items")]

mod commit;
mod frame;
mod layout;
mod read;
mod recover;

criterion::criterion_group!(
    engine,
    frame::bench,
    layout::bench,
    commit::bench,
    read::bench,
    recover::bench
);
criterion::criterion_main!(engine);
