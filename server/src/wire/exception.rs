//! An error answer: code, status, message.

use std::borrow::Cow;

use http::StatusCode;

use crate::wire::format::Format;
use crate::wire::write::Writer;

/// An answer that is not the one asked for. The message is for the caller: it carries no path and
/// no peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    /// The code, such as `ResourceNotFoundException`.
    pub code: &'static str,
    /// The status that goes with it.
    pub status: StatusCode,
    /// What happened; absent in a few protocol errors of the service.
    pub message: Option<Cow<'static, str>>,
}

impl Exception {
    /// An exception of the caller's making.
    pub fn client(code: &'static str, message: impl Into<Cow<'static, str>>) -> Exception {
        Exception { code, status: StatusCode::BAD_REQUEST, message: Some(message.into()) }
    }

    /// A request whose members have the wrong types, or that is no document at all.
    pub fn serialization(message: impl Into<Cow<'static, str>>) -> Exception {
        Exception::client("SerializationException", message)
    }

    /// A request that cannot be read.
    #[must_use]
    pub fn unreadable() -> Exception {
        Exception { message: None, ..Exception::serialization("") }
    }

    /// An operation that nobody knows.
    #[must_use]
    pub fn unknown_operation() -> Exception {
        Exception { message: None, ..Exception::client("UnknownOperationException", "") }
    }

    /// The values of a request break its constraints.
    pub fn validation(message: String) -> Exception {
        Exception::client("ValidationException", message)
    }

    /// An argument that is wrong in a way that the constraints do not say.
    pub fn invalid_argument(message: impl Into<Cow<'static, str>>) -> Exception {
        Exception::client("InvalidArgumentException", message)
    }

    /// The server's own fault; the log says more.
    #[must_use]
    pub fn internal() -> Exception {
        Exception {
            code: "InternalFailure",
            status: StatusCode::INTERNAL_SERVER_ERROR,
            message: None,
        }
    }

    /// The server cannot serve this now.
    #[must_use]
    pub fn unavailable(message: &'static str) -> Exception {
        Exception {
            code: "ServiceUnavailable",
            status: StatusCode::SERVICE_UNAVAILABLE,
            message: Some(message.into()),
        }
    }

    /// The body that carries it. The service capitalises the key in serialization errors alone.
    #[must_use]
    pub fn body(&self, format: Format) -> Vec<u8> {
        let mut out = Writer::new(format);
        out.begin_map();
        out.text("__type", self.code);
        if let Some(message) = &self.message {
            let key = if self.code == "SerializationException" { "Message" } else { "message" };
            out.text(key, message);
        }
        out.end_map();
        out.finish()
    }
}

impl From<std::convert::Infallible> for Exception {
    fn from(never: std::convert::Infallible) -> Exception {
        match never {}
    }
}
