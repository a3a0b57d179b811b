//! What an operation on the machine may answer.

use core::fmt;

pub type Result<T> = core::result::Result<T, Error>;

/// Own type instead of `std::io::Error`: closed, comparable, the same on every backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// A bound of the backend was reached (operations, descriptors, offload queue).
    Full,
    /// The disk has no space left, or the quota is used up.
    NoSpace,
    /// The object was closed on this side.
    Closed,
    /// The peer reset or closed the connection in the middle.
    Reset,
    /// Nobody listens there.
    Refused,
    Cancelled,
    TimedOut,
    NotFound,
    Exists,
    AddressInUse,
    PermissionDenied,
    /// Somebody else holds the lock.
    Locked,
    /// Anything else, by its errno.
    Failed(i32),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("a limit of this process was reached"),
            Self::NoSpace => f.write_str("no space left on the device"),
            Self::Closed => f.write_str("already closed"),
            Self::Reset => f.write_str("connection reset by the peer"),
            Self::Refused => f.write_str("connection refused"),
            Self::Cancelled => f.write_str("cancelled"),
            Self::TimedOut => f.write_str("timed out"),
            Self::NotFound => f.write_str("not found"),
            Self::Exists => f.write_str("already exists"),
            Self::AddressInUse => f.write_str("address already in use"),
            Self::PermissionDenied => f.write_str("permission denied"),
            Self::Locked => f.write_str("locked by another process"),
            Self::Failed(errno) => write!(f, "errno {errno}"),
        }
    }
}

impl std::error::Error for Error {}
