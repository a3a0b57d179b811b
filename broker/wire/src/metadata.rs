//! Values of the metadata log: one record each, behind a small frame of its own.
//!
//! The frame is three unsigned varints: frame version (1), record type, record version. The body
//! follows, always flexible. Kafka's dump tool reads values of this shape.
//! Source: Kafka `AbstractApiMessageSerde`, KIP-631.

use model::Buf;

pub use crate::messages::metadata_records::*;
use crate::{DecodeError, EncodeError, Reader, Writer};

const FRAME_VERSION: u32 = 1;

/// Largest record value; the largest real one is a partition with its replicas, far below.
pub const METADATA_RECORD_BYTES_MAX: usize = 8 << 20;

impl MetadataRecord {
    /// The value of a log record, in the given version of this type.
    ///
    /// # Errors
    /// The version does not exist or cannot carry what is set.
    pub fn encode(&self, version: i16) -> Result<Vec<u8>, EncodeError> {
        let mut writer = Writer::new(METADATA_RECORD_BYTES_MAX);
        let unknown = EncodeError::Version { message: "MetadataRecord", version };
        writer.unsigned_varint(FRAME_VERSION);
        writer.unsigned_varint(self.record_type());
        writer.unsigned_varint(u32::try_from(version).map_err(|_| unknown)?);
        self.encode_body(&mut writer, version)?;
        writer.into_bytes()
    }

    /// Reads the value of a log record.
    ///
    /// # Errors
    /// [`DecodeError::UnknownRecord`] for a type that this crate does not have; else the bytes are
    /// not a metadata record.
    pub fn decode(value: &Buf) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(value);
        let frame_version = reader.unsigned_varint()?;
        let record_type = reader.unsigned_varint()?;
        let version = reader.unsigned_varint()?;
        let unknown = DecodeError::UnknownRecord { frame_version, record_type, version };
        let record_version = i16::try_from(version).map_err(|_| unknown)?;
        if frame_version != FRAME_VERSION {
            return Err(unknown);
        }
        Self::decode_body(record_type, &mut reader, record_version)?.ok_or(unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_carries_its_type_and_version() {
        let record = MetadataRecord::from(FeatureLevelRecord {
            name: "metadata.version".to_owned(),
            feature_level: 30,
        });
        let value = record.encode(record.version_max()).unwrap();
        let mut expected = vec![1, 12, 0, 17];
        expected.extend_from_slice(b"metadata.version");
        expected.extend_from_slice(&[0, 30, 0]);
        assert_eq!(value, expected);
        assert_eq!(MetadataRecord::decode(&value.into()), Ok(record));
    }

    #[test]
    fn an_unknown_type_is_named() {
        assert_eq!(
            MetadataRecord::decode(&vec![1, 99, 0].into()),
            Err(DecodeError::UnknownRecord { frame_version: 1, record_type: 99, version: 0 })
        );
    }
}
