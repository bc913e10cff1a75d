//! What an account may have in a region, and what it has.

/// Bounds of what an account may have, per region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamLimits {
    /// Streams.
    pub streams_max: usize,
    /// Shards of one stream.
    pub shards_per_stream_max: u32,
    /// Open shards of all streams.
    pub shards_max: usize,
    /// The same in the regions whose accounts may have more, where it differs.
    pub shards_max_large_region: Option<usize>,
    /// Streams in on-demand mode.
    pub on_demand_streams_max: usize,
}

/// Regions whose accounts may have more shards.
const LARGE_REGIONS: [&str; 3] = ["us-east-1", "us-west-2", "eu-west-1"];

impl StreamLimits {
    /// Open shards of all streams of an account in `region`.
    #[must_use]
    pub fn shards_max_in(&self, region: &str) -> usize {
        let large = self.shards_max_large_region.filter(|_| LARGE_REGIONS.contains(&region));
        large.unwrap_or(self.shards_max)
    }
}

/// What an account has in a region.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Streams.
    pub streams: usize,
    /// Streams in on-demand mode.
    pub on_demand_streams: usize,
    /// Open shards of all streams.
    pub open_shards: usize,
}
