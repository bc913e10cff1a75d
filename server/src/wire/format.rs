//! The two formats that documents come and go in.

/// How a document is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// JSON 1.1.
    Json,
    /// CBOR 1.1.
    Cbor,
}

impl Format {
    /// The format that goes by `content_type`, which has no parameters.
    #[must_use]
    pub fn of_content_type(content_type: &str) -> Option<Format> {
        [Format::Json, Format::Cbor]
            .into_iter()
            .find(|format| format.content_type().eq_ignore_ascii_case(content_type))
    }

    /// The content type of a document.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Format::Json => "application/x-amz-json-1.1",
            Format::Cbor => "application/x-amz-cbor-1.1",
        }
    }
}
