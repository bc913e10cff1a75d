//! A stream's name with whose and where it is.

/// A stream's name with whose and where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamKey<'a> {
    /// Twelve digits.
    pub account: &'a str,
    /// Such as `us-east-1`.
    pub region: &'a str,
    /// Its name.
    pub name: &'a str,
}

impl StreamKey<'_> {
    /// The row's key. No part has a slash, so that the order of keys is that of names.
    pub(super) fn encode(&self) -> String {
        [self.account, self.region, self.name].join("/")
    }
}

/// A stream's name with whose and where it is, to keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamPath {
    /// Twelve digits.
    pub account: String,
    /// Such as `us-east-1`.
    pub region: String,
    /// Its name.
    pub name: String,
}

impl From<StreamKey<'_>> for StreamPath {
    fn from(StreamKey { account, region, name }: StreamKey<'_>) -> StreamPath {
        StreamPath { account: account.into(), region: region.into(), name: name.into() }
    }
}

impl StreamPath {
    /// The same, borrowed.
    #[must_use]
    pub fn key(&self) -> StreamKey<'_> {
        StreamKey { account: &self.account, region: &self.region, name: &self.name }
    }
}
