//! What can be wrong with bytes from a peer, and with a message that we were asked to send.

use core::fmt;

/// Why bytes are not the message they should be. `at` counts bytes from the start of the frame.
///
/// A connection that sent such bytes is closed without a reply, as Kafka does; the one exception is
/// [`DecodeError::ApiVersionsTooNew`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecodeError {
    /// The frame length is negative or above the limit (`socket.request.max.bytes`).
    FrameLength { length: i32, limit_bytes: usize },
    /// The bytes end before the value does.
    Truncated { at: usize },
    /// A length or count is negative, or promises more than the remaining bytes can hold.
    Length { at: usize, length: i64 },
    /// The arrays of one message together exceed [`ELEMENTS_MAX`](crate::ELEMENTS_MAX), in a request
    /// [`REQUEST_ELEMENTS_MAX`](crate::frame::REQUEST_ELEMENTS_MAX).
    Elements { at: usize },
    /// A variable-length integer exceeds its type.
    Varint { at: usize },
    /// Null where this version has no null.
    Null { at: usize },
    /// A string is not UTF-8.
    Utf8 { at: usize },
    /// Tagged fields are repeated or not in ascending order.
    TagOrder { at: usize, tag: u32 },
    /// A known tagged field is not as long as it says.
    TagLength { at: usize, tag: u32 },
    /// No such API, or one that this broker does not speak.
    UnknownApi { api_key: i16 },
    /// The API exists, the version does not.
    UnsupportedVersion { api_key: i16, version: i16 },
    /// An ApiVersions request of a version above ours: answer with a version 0 body that says
    /// UNSUPPORTED_VERSION and lists the range of ApiVersions; do not close (KIP-511).
    ApiVersionsTooNew { correlation_id: i32, version: i16 },
    /// The value after a metadata record's frame version, type or version is not one we know.
    UnknownRecord { frame_version: u32, record_type: u32, version: u32 },
    /// The key of `__consumer_offsets` has a record type that is not one we know.
    UnknownGroupRecord { record_type: i16 },
    /// The type of the record in `__consumer_offsets` is known, the version of its value is not.
    GroupRecordVersion { record_type: i16, version: i16 },
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::FrameLength { length, limit_bytes } => {
                write!(f, "frame length {length} is outside 0..={limit_bytes}")
            }
            Self::Truncated { at } => write!(f, "message ends early at byte {at}"),
            Self::Length { at, length } => write!(f, "impossible length {length} at byte {at}"),
            Self::Elements { at } => write!(f, "too many array elements at byte {at}"),
            Self::Varint { at } => write!(f, "malformed varint at byte {at}"),
            Self::Null { at } => write!(f, "unexpected null at byte {at}"),
            Self::Utf8 { at } => write!(f, "string is not UTF-8 at byte {at}"),
            Self::TagOrder { at, tag } => write!(f, "tag {tag} out of order at byte {at}"),
            Self::TagLength { at, tag } => write!(f, "tag {tag} has a wrong length at byte {at}"),
            Self::UnknownApi { api_key } => write!(f, "unknown API key {api_key}"),
            Self::UnsupportedVersion { api_key, version } => {
                write!(f, "API key {api_key} has no version {version} here")
            }
            Self::ApiVersionsTooNew { version, .. } => {
                write!(f, "ApiVersions version {version} is above ours")
            }
            Self::UnknownRecord { frame_version, record_type, version } => write!(
                f,
                "unknown metadata record: frame version {frame_version}, type {record_type}, version {version}"
            ),
            Self::UnknownGroupRecord { record_type } => {
                write!(f, "unknown group record type {record_type}")
            }
            Self::GroupRecordVersion { record_type, version } => {
                write!(f, "group record type {record_type} has no version {version} here")
            }
        }
    }
}

impl core::error::Error for DecodeError {}

/// Why a message cannot be written in the version asked for. `field` is `Struct.field`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EncodeError {
    /// The message does not exist in this version.
    Version { message: &'static str, version: i16 },
    /// The field holds a value that this version cannot carry and that must not be dropped.
    NotInVersion { field: &'static str, version: i16 },
    /// Null in a version that has no null for this field.
    Null { field: &'static str, version: i16 },
    /// A string above 32,767 bytes, or more elements than the protocol can count.
    TooLong { length: usize },
    /// The message exceeds the writer's limit.
    TooLarge { limit_bytes: usize },
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Version { message, version } => write!(f, "{message} has no version {version}"),
            Self::NotInVersion { field, version } => {
                write!(f, "{field} is set but version {version} cannot carry it")
            }
            Self::Null { field, version } => {
                write!(f, "{field} is null but version {version} has no null for it")
            }
            Self::TooLong { length } => write!(f, "length {length} exceeds the protocol"),
            Self::TooLarge { limit_bytes } => write!(f, "message exceeds {limit_bytes} bytes"),
        }
    }
}

impl core::error::Error for EncodeError {}
