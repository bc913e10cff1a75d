//! Method and path to an answer; CORS.

use std::sync::Arc;

use flowstone_engine::Status;
use flowstone_engine::entropy::Entropy;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, CONNECTION, HeaderValue, ORIGIN,
};
use http::{Method, Request, Response, StatusCode, Version};
use hyper::body::Incoming;

use crate::api::{Arrived, Door, Reply};
use crate::http::Limits;
use crate::http::body::{Bodies, Whole};
use crate::http::request_id::RequestIds;
use crate::http::respond::{Sent, respond};
use crate::wire::{Format, Writer};

/// Seconds that a browser may remember a preflight.
const PREFLIGHT_SECONDS: &str = "172800";

/// Headers that a browser's script may see.
const EXPOSED: &str = "x-amzn-RequestId,x-amzn-ErrorType,x-amz-request-id,x-amz-id-2,\
                       x-amzn-ErrorMessage,Date";

/// Tells how the engine is.
pub type Health = Box<dyn Fn() -> Status + Send + Sync>;

/// Answers requests.
pub struct Router {
    door: Door,
    bodies: Bodies,
    ids: RequestIds,
    health: Health,
}

impl std::fmt::Debug for Router {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Router").field("door", &self.door).finish_non_exhaustive()
    }
}

impl Router {
    /// A router in front of `door`.
    #[must_use]
    pub fn new(door: Door, limits: Limits, entropy: &dyn Entropy, health: Health) -> Arc<Router> {
        let ids = RequestIds::new(entropy);
        Arc::new(Router { door, bodies: Bodies::new(limits), ids, health })
    }

    /// Answers one request.
    pub(super) async fn route(&self, request: Request<Incoming>) -> Response<Sent> {
        let (head, body) = request.into_parts();
        let has_origin = head.headers.contains_key(ORIGIN);
        if head.method == Method::OPTIONS && has_origin {
            return self.preflight(&head.headers);
        }
        // Only HTTP/1 must close behind a body that was not read to its end.
        let is_http1 = head.version < Version::HTTP_2;
        let mut closes = false;
        let reply = if head.method == Method::GET && head.uri.path() == "/health" {
            self.health()
        } else if head.method != Method::POST {
            Reply::access_denied()
        } else {
            match self.bodies.read(&head.headers, body).await {
                Ok(Whole { body, hash, _permit }) => {
                    let query = head.uri.query().map(str::to_owned);
                    let headers = head.headers;
                    let arrived = Arrived { headers, query, body, body_hash: hash };
                    self.door.answer(&arrived).await
                }
                Err(refusal) => {
                    closes = is_http1;
                    refusal
                }
            }
        };
        let mut response = respond(reply, &self.ids);
        let headers = response.headers_mut();
        if closes {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if has_origin {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
        }
        response
    }

    fn preflight(&self, asked: &http::HeaderMap) -> Response<Sent> {
        let mut response = respond(Reply::new(StatusCode::OK, None, Vec::new()), &self.ids);
        let headers = response.headers_mut();
        headers.remove("x-amz-id-2");
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(PREFLIGHT_SECONDS));
        for (question, answer) in [
            (ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_ALLOW_HEADERS),
            (ACCESS_CONTROL_REQUEST_METHOD, ACCESS_CONTROL_ALLOW_METHODS),
        ] {
            if let Some(value) = asked.get(question) {
                headers.insert(answer, value.clone());
            }
        }
        response
    }

    /// 503 once nothing can be written any more: a supervisor should restart the server.
    fn health(&self) -> Reply {
        let status = (self.health)();
        let (code, word) = if status.is_poisoned {
            (StatusCode::SERVICE_UNAVAILABLE, "poisoned")
        } else if status.is_full {
            (StatusCode::OK, "full")
        } else if status.quarantined_shards.is_empty() {
            (StatusCode::OK, "ok")
        } else {
            (StatusCode::OK, "damaged")
        };
        let mut out = Writer::new(Format::Json);
        out.begin_map();
        out.text("status", word);
        out.text("version", env!("CARGO_PKG_VERSION"));
        out.text("disk", status.disk);
        out.integer("streams", self.door.streams.streams.count() as u64);
        out.integer("shards", status.shards as u64);
        out.integer("quarantinedShards", status.quarantined_shards.len() as u64);
        out.integer("segments", status.segments as u64);
        out.integer("segmentBytes", status.segment_bytes);
        out.integer("journalFiles", status.journal_files as u64);
        out.integer("pendingBytes", status.pending_bytes as u64);
        out.end_map();
        Reply::new(code, Some("application/json"), out.finish())
    }
}
