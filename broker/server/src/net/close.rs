//! Why we end a connection.

use core::fmt;

use wire::{DecodeError, EncodeError};

/// The reason goes into one log line, together with the peer's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Close {
    /// The peer closed it, or the network did. Not worth a line.
    Gone,
    /// The node stops.
    Stopping,
    /// The peer speaks HTTP, TLS or something else.
    NotKafka(&'static str),
    /// A frame that is not a request we know.
    Undecodable(DecodeError),
    /// A version that this broker does not list.
    UnsupportedVersion {
        api: &'static str,
        version: i16,
    },
    /// A large frame did not arrive in time.
    FrameTooSlow {
        received_bytes: usize,
        size_bytes: usize,
    },
    /// Nobody asked for a reply, and this is how Kafka tells an acks=0 producer of a failure.
    UnacknowledgedFailure(model::ErrorCode),
    /// We could not write our own response.
    Unencodable {
        api: &'static str,
        error: EncodeError,
    },
    TooManyConnections,
    /// A file ended inside a range that was promised to the client.
    BrokenResponse(runtime::Error),
}

impl Close {
    /// Whether the peer caused it by what it sent.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::NotKafka(_)
                | Self::Undecodable(_)
                | Self::UnsupportedVersion { .. }
                | Self::FrameTooSlow { .. }
        )
    }

    /// What a length prefix outside the limits looks like.
    pub(crate) fn of_prefix(start: &[u8], error: DecodeError) -> Self {
        const FOREIGN: [(&[u8], &str); 9] = [
            (b"GET ", "HTTP"),
            (b"POST", "HTTP"),
            (b"PUT ", "HTTP"),
            (b"HEAD", "HTTP"),
            (b"OPTI", "HTTP"),
            (b"PRI ", "HTTP/2"),
            (b"SSH-", "SSH"),
            (b"\x16\x03", "TLS, on a listener without TLS"),
            (b"PROX", "the PROXY protocol"),
        ];
        let foreign = FOREIGN.iter().find(|(prefix, _)| start.starts_with(prefix));
        foreign.map_or(Self::Undecodable(error), |(_, name)| Self::NotKafka(name))
    }
}

impl From<DecodeError> for Close {
    fn from(error: DecodeError) -> Self {
        Self::Undecodable(error)
    }
}

impl fmt::Display for Close {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone => f.write_str("the peer is gone"),
            Self::Stopping => f.write_str("the broker stops"),
            Self::NotKafka(protocol) => write!(f, "this is not the Kafka protocol but {protocol}"),
            Self::Undecodable(error) => write!(f, "undecodable request: {error}"),
            Self::UnsupportedVersion { api, version } => {
                write!(f, "{api} version {version} is not supported")
            }
            Self::FrameTooSlow { received_bytes, size_bytes } => {
                write!(f, "only {received_bytes} of {size_bytes} request bytes arrived in time")
            }
            Self::UnacknowledgedFailure(code) => {
                write!(f, "produce with acks=0 failed: {code}")
            }
            Self::Unencodable { api, error } => {
                write!(f, "cannot encode the {api} response: {error}")
            }
            Self::TooManyConnections => f.write_str("too many connections"),
            Self::BrokenResponse(error) => write!(f, "a response could not be completed: {error}"),
        }
    }
}
