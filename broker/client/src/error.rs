//! What can go wrong between a client and a broker.

use core::fmt;
use model::ErrorCode;
use wire::{ApiKey, DecodeError, EncodeError};

/// Why a request has no answer, or not the one that was wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientError {
    /// No address of the bootstrap list answered; the last reason.
    Unreachable { address: String, reason: runtime::Error },
    /// The connection broke, or the broker closed it.
    Connection(runtime::Error),
    /// The broker closed the connection, which is how Kafka refuses a request it cannot parse.
    ClosedByBroker,
    /// No answer within the limit; the connection stays usable.
    TimedOut,
    /// The broker has no version of this API that we speak.
    Unsupported { api: ApiKey },
    /// A request that cannot be written.
    Encode(EncodeError),
    /// An answer that cannot be read.
    Decode(DecodeError),
    /// Answers came in another order than their requests: the stream is useless.
    OutOfOrder { expected: i32, got: i32 },
    /// The broker answered with an error code.
    Refused { what: String, code: i16, message: Option<String> },
    /// Not the form `host:port`.
    Address(String),
    /// A partition had no leader until the time was up.
    NoLeader { topic: String },
}

impl ClientError {
    /// An error code in an answer, with what was asked.
    #[must_use]
    pub fn refused(what: impl Into<String>, code: i16, message: Option<String>) -> Self {
        Self::Refused { what: what.into(), code, message }
    }

    /// `Ok` when the code is 0.
    ///
    /// # Errors
    /// [`ClientError::Refused`].
    pub fn check(what: &str, code: i16, message: Option<&String>) -> Result<(), Self> {
        if code == 0 { Ok(()) } else { Err(Self::refused(what, code, message.cloned())) }
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable { address, reason } => write!(f, "cannot reach {address}: {reason}"),
            Self::Connection(error) => write!(f, "connection failed: {error}"),
            Self::ClosedByBroker => f.write_str("the broker closed the connection"),
            Self::TimedOut => f.write_str("no answer in time"),
            Self::Unsupported { api } => write!(f, "the broker does not support {api:?}"),
            Self::Encode(error) => write!(f, "cannot write the request: {error}"),
            Self::Decode(error) => write!(f, "cannot read the answer: {error}"),
            Self::OutOfOrder { expected, got } => {
                write!(f, "answer {got} came where {expected} was due")
            }
            Self::Refused { what, code, message } => {
                match ErrorCode::from_code(*code) {
                    Some(known) => write!(f, "{what}: {} ({code})", known.name())?,
                    None => write!(f, "{what}: error {code}")?,
                }
                message.as_ref().map_or(Ok(()), |text| write!(f, ", {text}"))
            }
            Self::Address(text) => write!(f, "`{text}` is not an address: write host:port"),
            Self::NoLeader { topic } => write!(f, "topic {topic} has a partition without a leader"),
        }
    }
}

impl core::error::Error for ClientError {}

impl From<runtime::Error> for ClientError {
    fn from(error: runtime::Error) -> Self {
        Self::Connection(error)
    }
}

impl From<EncodeError> for ClientError {
    fn from(error: EncodeError) -> Self {
        Self::Encode(error)
    }
}

impl From<DecodeError> for ClientError {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error)
    }
}
