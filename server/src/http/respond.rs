//! An answer with its headers.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::OwnedSemaphorePermit;

use crate::api::{Body as ReplyBody, Events, Reply};
use crate::http::request_id::RequestIds;

/// A body as the connection takes it.
pub(super) enum Sent {
    /// What is left of one piece.
    Whole(Option<Bytes>),
    /// Events until there are no more.
    Events(Events),
}

/// Bytes with what they are accounted under, which is given back with their last clone: the
/// connection still has bytes to write when it has long dropped the body.
struct Held {
    bytes: Vec<u8>,
    _hold: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Body for Sent {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = match self.get_mut() {
            Sent::Whole(bytes) => bytes.take(),
            Sent::Events(events) => ready!(events.as_mut().poll_next(context)),
        };
        Poll::Ready(next.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Sent::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Sent::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Sent::Events(_) => SizeHint::default(),
        }
    }
}

/// The response that carries `reply`.
pub(super) fn respond(reply: Reply, ids: &RequestIds) -> Response<Sent> {
    let Reply { status, content_type, body, hold } = reply;
    let body = match (body, hold) {
        (ReplyBody::Events(events), _) => Sent::Events(events),
        (ReplyBody::Whole(bytes), _) if bytes.is_empty() => Sent::Whole(None),
        (ReplyBody::Whole(bytes), None) => Sent::Whole(Some(bytes.into())),
        (ReplyBody::Whole(bytes), Some(hold)) => {
            Sent::Whole(Some(Bytes::from_owner(Held { bytes, _hold: hold })))
        }
    };
    let mut response = Response::new(body);
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
