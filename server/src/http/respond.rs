//! An answer with its headers.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, watch};

use crate::api::{Body as ReplyBody, Events, Reply};
use crate::http::Limits;
use crate::http::connection::stopped;
use crate::http::patience::{Asked, Due, Patience};
use crate::http::request_id::RequestIds;

/// Bytes of an answer that are handed to the connection at once: how far it has come is seen by
/// what it asks for.
const PIECE_BYTES: usize = 256 * 1024;

/// For a peer to make room on its HTTP/2 stream for an event: twice a session of events, so that a
/// consumer that is slow, and not gone, is never let go for it.
const EVENT_TIMEOUT: Duration = Duration::from_secs(600);

/// A body as the connection takes it.
pub(super) struct Sent {
    content: Content,
    stopping: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    patience: Option<(Asked, Patience)>,
    due: Option<Due>,
}

enum Content {
    /// What is left of one piece.
    Whole(Bytes),
    /// Events until there are no more, and memory that is taken while they last.
    Events { events: Events, _hold: Option<OwnedSemaphorePermit> },
}

/// Bytes with what they are accounted under, which is given back with their last clone: the
/// connection still has bytes to write when it has long dropped the body.
struct Held<H> {
    bytes: Bytes,
    _hold: H,
}

impl<H> AsRef<[u8]> for Held<H> {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// `bytes`, with `hold` until they are sent.
fn held<H: Send + 'static>(bytes: Bytes, hold: H) -> Bytes {
    Bytes::from_owner(Held { bytes, _hold: hold })
}

impl Sent {
    fn new(content: Content) -> Sent {
        Sent { content, stopping: None, patience: None, due: None }
    }

    /// Ends events early when `stop` turns true: clients subscribe again.
    pub(super) fn until(mut self, stop: watch::Receiver<bool>) -> Sent {
        if matches!(self.content, Content::Events { .. }) {
            self.stopping = Some(Box::pin(stopped(stop)));
        }
        self
    }

    /// Counts as `asked` until it is sent, and has its deadlines watched by `patience`.
    pub(super) fn within(mut self, asked: Asked, patience: Patience, limits: Limits) -> Sent {
        if let Content::Whole(bytes) = &mut self.content
            && !bytes.is_empty()
        {
            *bytes = held(std::mem::take(bytes), patience.due(limits.body_timeout));
        }
        self.patience = Some((asked, patience));
        self
    }
}

impl Body for Sent {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        let next = match &mut this.content {
            Content::Whole(bytes) => {
                let piece = bytes.split_to(bytes.len().min(PIECE_BYTES));
                (!piece.is_empty()).then_some(piece)
            }
            Content::Events { events, .. } => {
                this.due = None;
                let is_stopping = |stopping: &mut Pin<Box<dyn Future<Output = ()> + Send>>| {
                    stopping.as_mut().poll(context).is_ready()
                };
                if this.stopping.as_mut().is_some_and(is_stopping) {
                    this.stopping = None;
                    this.content = Content::Whole(Bytes::new());
                    return Poll::Ready(None);
                }
                let event = ready!(events.as_mut().poll_next(context));
                this.due = this.patience.as_ref().map(|(_, patience)| patience.due(EVENT_TIMEOUT));
                event
            }
        };
        Poll::Ready(next.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(&self.content, Content::Whole(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Content::Events { .. } => SizeHint::default(),
        }
    }
}

/// The response that carries `reply`.
pub(super) fn respond(reply: Reply, ids: &RequestIds) -> Response<Sent> {
    let Reply { status, content_type, body, hold } = reply;
    let content = match (body, hold) {
        (ReplyBody::Events(events), hold) => Content::Events { events, _hold: hold },
        (ReplyBody::Whole(bytes), None) => Content::Whole(bytes.into()),
        (ReplyBody::Whole(bytes), Some(hold)) => Content::Whole(held(bytes.into(), hold)),
    };
    let mut response = Response::new(Sent::new(content));
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
