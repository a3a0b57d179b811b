//! What can go wrong between a client and a broker.

use core::fmt;
use model::{ErrorCode, NodeId};
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
    /// The cluster's metadata does not name this broker (any more).
    NoBroker { id: NodeId },
}

/// Codes that pass without anybody's doing. Source: the subclasses of Kafka's `RetriableException`.
const RETRIABLE: &[ErrorCode] = &[
    ErrorCode::CorruptMessage,
    ErrorCode::LeaderNotAvailable,
    ErrorCode::NotLeaderOrFollower,
    ErrorCode::RequestTimedOut,
    ErrorCode::ReplicaNotAvailable,
    ErrorCode::NetworkException,
    ErrorCode::CoordinatorLoadInProgress,
    ErrorCode::CoordinatorNotAvailable,
    ErrorCode::NotCoordinator,
    ErrorCode::NotEnoughReplicas,
    ErrorCode::NotEnoughReplicasAfterAppend,
    ErrorCode::NotController,
    ErrorCode::ConcurrentTransactions,
    ErrorCode::KafkaStorageError,
    ErrorCode::FencedLeaderEpoch,
    ErrorCode::UnknownLeaderEpoch,
    ErrorCode::OffsetNotAvailable,
    ErrorCode::UnstableOffsetCommit,
    ErrorCode::ThrottlingQuotaExceeded,
];

impl ClientError {
    /// An error code in an answer, with what was asked.
    #[must_use]
    pub fn refused(what: impl Into<String>, code: i16, message: Option<String>) -> Self {
        Self::Refused { what: what.into(), code, message }
    }

    /// The broker's error code, when that is what went wrong.
    #[must_use]
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Refused { code, .. } => ErrorCode::from_code(*code),
            _ => None,
        }
    }

    /// Whether the same request may succeed a little later, perhaps at another broker.
    ///
    /// A topic that is not known is not among these: whether it is about to appear only the caller
    /// can tell.
    #[must_use]
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::Connection(_)
            | Self::ClosedByBroker
            | Self::TimedOut
            | Self::NoLeader { .. }
            | Self::NoBroker { .. } => true,
            Self::Refused { .. } => self.code().is_some_and(|code| RETRIABLE.contains(&code)),
            Self::Unsupported { .. }
            | Self::Encode(_)
            | Self::Decode(_)
            | Self::OutOfOrder { .. }
            | Self::Address(_) => false,
        }
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
            Self::NoBroker { id } => write!(f, "broker {id} is not in the cluster"),
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
