//! The workloads: each does what the others never do.

/// What a workload is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Its name.
    pub name: &'static str,
    /// Steps.
    pub steps: usize,
    /// Shards at the start.
    pub shards: usize,
    /// Records are up to this long.
    pub record_bytes: usize,
    /// Records of an append, at most.
    pub records_max: u64,
    /// Appends of a step, at most.
    pub appends_max: u64,
    /// One in so many steps compacts.
    pub compact_every: u64,
    /// One in so many steps reopens the engine; 0 never.
    pub reopen_every: u64,
    /// One in so many steps lets everything expire; 0 never.
    pub expire_every: u64,
    /// One in so many steps sets the wall clock a day ahead, and back; 0 never.
    pub jump_every: u64,
    /// One in so many steps makes or deletes a shard; 0 never.
    pub change_every: u64,
    /// One in so many steps closes shards for others; 0 never.
    pub reshard_every: u64,
    /// One in so many steps trims a shard; 0 never.
    pub trim_every: u64,
    /// One in so many steps deletes a shard between the start and the end of appends; 0 never.
    pub delete_busy_every: u64,
    /// One in so many steps lets the journal rest until it marks that; 0 never.
    pub rest_every: u64,
    /// One in so many steps sets how long a shard keeps records; 0 never.
    pub retain_every: u64,
    /// One in so many steps fills the disk, or frees it again; 0 never.
    pub fill_every: u64,
    /// Whether a table of the caller's own is kept in step with the shards.
    pub has_table: bool,
}

const PLAIN: Shape = Shape {
    name: "appends",
    steps: 60,
    shards: 3,
    record_bytes: 300,
    records_max: 3,
    appends_max: 3,
    compact_every: 6,
    reopen_every: 0,
    expire_every: 0,
    jump_every: 0,
    change_every: 0,
    reshard_every: 0,
    trim_every: 0,
    delete_busy_every: 0,
    rest_every: 0,
    retain_every: 0,
    fill_every: 0,
    has_table: false,
};

/// Appends alone.
pub const APPENDS: Shape = PLAIN;
/// Enough data to fill journal files and seal them.
pub const ROLLS: Shape =
    Shape { name: "rolls and seals", steps: 90, shards: 2, record_bytes: 6000, ..PLAIN };
/// The process dies, or stops in order, again and again.
pub const REOPENS: Shape = Shape { name: "reopens", record_bytes: 3000, reopen_every: 8, ..PLAIN };
/// Records expire and segments are merged.
pub const EXPIRES: Shape = Shape {
    name: "expires and compacts",
    steps: 120,
    record_bytes: 9000,
    reopen_every: 40,
    expire_every: 30,
    ..PLAIN
};
/// Shards come and go.
pub const CHANGES: Shape = Shape {
    name: "creates and deletes",
    shards: 2,
    record_bytes: 2500,
    reopen_every: 25,
    change_every: 6,
    ..PLAIN
};
/// Shards are split, merged, trimmed and deleted while appends come in.
pub const RESHARDS: Shape = Shape {
    name: "reshards and trims",
    steps: 70,
    record_bytes: 2500,
    reopen_every: 25,
    expire_every: 40,
    change_every: 14,
    reshard_every: 6,
    trim_every: 6,
    ..PLAIN
};
/// The wall clock jumps.
pub const JUMPS: Shape =
    Shape { name: "clock jumps", record_bytes: 6000, reopen_every: 20, jump_every: 5, ..PLAIN };
/// Shards are deleted while commits with their records are in flight.
pub const DELETES: Shape = Shape {
    name: "deletes under load",
    shards: 3,
    record_bytes: 4000,
    appends_max: 5,
    reopen_every: 30,
    delete_busy_every: 5,
    ..PLAIN
};
/// Appends that are commits of their own and fill journal files; segments are merged twice over.
pub const TIERS: Shape = Shape {
    name: "large appends, tiers of segments",
    steps: 100,
    shards: 2,
    record_bytes: 40_000,
    records_max: 1,
    compact_every: 1,
    reopen_every: 50,
    trim_every: 25,
    ..PLAIN
};
/// Hundreds of shards with little in each; the journal rests in between.
pub const MANY: Shape = Shape {
    name: "many shards, rests",
    steps: 40,
    shards: 200,
    record_bytes: 40,
    appends_max: 30,
    reopen_every: 20,
    rest_every: 4,
    ..PLAIN
};
/// A table of the caller's changes together with shards and how long they keep records.
pub const TABLES: Shape = Shape {
    name: "tables and retention",
    shards: 2,
    record_bytes: 5000,
    reopen_every: 12,
    expire_every: 40,
    change_every: 8,
    rest_every: 10,
    retain_every: 4,
    has_table: true,
    ..PLAIN
};
/// The disk is full, and is not any more.
pub const FULL: Shape = Shape {
    name: "full disk",
    steps: 80,
    shards: 2,
    record_bytes: 7000,
    reopen_every: 30,
    expire_every: 40,
    fill_every: 6,
    ..PLAIN
};

/// All workloads.
pub const ALL: [Shape; 12] = [
    APPENDS, ROLLS, REOPENS, EXPIRES, CHANGES, RESHARDS, JUMPS, DELETES, TIERS, MANY, TABLES, FULL,
];
