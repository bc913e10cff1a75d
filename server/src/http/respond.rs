//! An answer with its headers.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::OwnedSemaphorePermit;

use crate::api::Reply;
use crate::http::request_id::RequestIds;

/// A body in one piece.
#[derive(Debug)]
pub(super) struct Whole {
    bytes: Option<Bytes>,
}

/// Bytes with what they are accounted under, which is given back with their last clone: the
/// connection still has bytes to write when it has long dropped the body.
struct Held {
    bytes: Bytes,
    _hold: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Body for Whole {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.bytes.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, Bytes::len) as u64)
    }
}

/// The response that carries `reply`.
pub(super) fn respond(reply: Reply, ids: &RequestIds) -> Response<Whole> {
    let Reply { status, content_type, body, hold } = reply;
    let body = match hold {
        Some(hold) => Bytes::from_owner(Held { bytes: body, _hold: hold }),
        None => body,
    };
    let bytes = (!body.is_empty()).then_some(body);
    let mut response = Response::new(Whole { bytes });
    *response.status_mut() = status;
    let headers = response.headers_mut();
    if let Some(content_type) = content_type {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    for (name, value) in [("x-amzn-requestid", ids.request_id()), ("x-amz-id-2", ids.extended_id())]
    {
        let value = HeaderValue::try_from(value).expect("identities are plain ASCII");
        headers.insert(HeaderName::from_static(name), value);
    }
    response
}

/// A short answer outside of any service.
pub(super) fn plain(status: StatusCode, content_type: &'static str, body: &str) -> Reply {
    Reply::new(status, Some(content_type), body.as_bytes().to_vec())
}
