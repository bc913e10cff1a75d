//! CBOR (RFC 8949), as far as documents of the service model go.
//!
//! | file        | owns |
//! |-------------|------|
//! | `head.rs`   | the heads of items, written and taken apart |
//! | `parser.rs` | a serde deserializer that borrows from the body |
//!
//! The parser is our own: ciborium copies every string, cbor4ii refuses tags under serde, minicbor
//! does not speak serde; and what is needed of the format is small.

mod head;
mod parser;

#[cfg(test)]
mod tests;

pub(super) use head::{
    BREAK, BYTES, FALSE, LIST_OPEN, MAP_OPEN, TEXT, TIME, TRUE, UNSIGNED, write_head,
};
pub(super) use parser::Parser;
