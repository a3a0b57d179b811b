//! The APIs as data: key, name, versions, and which header each version carries.

use core::fmt::Debug;

use crate::error::{DecodeError, EncodeError};
use crate::messages::ApiKey;
use crate::{Reader, Writer};

/// How strings, arrays and bytes say their length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Fixed-size lengths, no tagged fields.
    Classic,
    /// Varint lengths plus one, tagged fields after every struct (KIP-482).
    Flexible,
}

impl Form {
    #[must_use]
    pub const fn of(flexible: bool) -> Self {
        if flexible { Self::Flexible } else { Self::Classic }
    }
}

/// A UUID that is not a topic id: a log directory, an incarnation.
pub type Uuid = [u8; 16];

/// One row of the API table, [`APIS`](crate::messages::APIS). Both ends of the range are inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Api {
    pub key: ApiKey,
    pub name: &'static str,
    pub version_min: i16,
    pub version_max: i16,
    /// First version with [`Form::Flexible`].
    pub flexible_from: i16,
}

impl Api {
    #[must_use]
    pub fn supports(&self, version: i16) -> bool {
        (self.version_min..=self.version_max).contains(&version)
    }

    /// Header version of a request: 1, or 2 with tagged fields.
    #[must_use]
    pub fn request_header_version(&self, version: i16) -> i16 {
        if version >= self.flexible_from { 2 } else { 1 }
    }

    /// Header version of a response: 0, or 1 with tagged fields. ApiVersions stays at 0, because
    /// the client does not know yet which versions we speak (KIP-511).
    #[must_use]
    pub fn response_header_version(&self, version: i16) -> i16 {
        i16::from(version >= self.flexible_from && self.key != ApiKey::ApiVersions)
    }
}

/// A message body with one layout per version.
///
/// Fields that a version lacks have their default after decoding. Defaults are Kafka's: a field
/// that may be null starts null only where Kafka's schema says so.
pub trait Message: Sized + Default + Clone + PartialEq + Debug {
    const NAME: &'static str;
    const VERSION_MIN: i16;
    const VERSION_MAX: i16;

    /// # Errors
    /// The version does not exist, or the bytes are not this message.
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError>;

    /// # Errors
    /// The version does not exist, or it cannot carry a field that is set and must not be dropped.
    fn encode(&self, writer: &mut Writer, version: i16) -> Result<(), EncodeError>;
}

/// The body of a request.
pub trait Request: Message {
    const API: ApiKey;
    type Response: Response;
}

/// The body of a response.
pub trait Response: Message {
    const API: ApiKey;
}
