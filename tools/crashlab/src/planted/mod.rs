//! Bugs that are planted to show that the lab can fail: what each is, and what must catch it.
//!
//! | file        | owns |
//! |-------------|------|
//! | `table.rs`  | all of them, and trying each |
//! | `store.rs`  | bugs of a running store, which a back end must catch |
//! | `server.rs` | losses behind the server's back, which the kill loop must catch |

mod server;
mod store;
mod table;

pub use table::{Catch, Caught, Planted, all};
