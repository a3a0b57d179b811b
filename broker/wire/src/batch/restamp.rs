//! New time fields for a batch that keeps its records.

use crc_fast::{CrcAlgorithm, Digest};

use super::{BatchHeader, BatchView, CRC_FROM, HEADER_BYTES, TimestampType};

/// The time fields that a broker writes into a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restamp {
    pub timestamp_type: TimestampType,
    pub max_timestamp_ms: i64,
}

/// The header with new time fields and the checksum that goes with them; the bytes from 61 on stay.
///
/// - **Cost:** one pass over the batch for the checksum. Nothing is copied but the header.
#[must_use]
pub fn restamped_header(batch: &BatchView<'_>, restamp: Restamp) -> [u8; HEADER_BYTES] {
    let mut header = BatchHeader {
        attributes: batch.header.attributes.with_timestamp_type(restamp.timestamp_type),
        max_timestamp_ms: restamp.max_timestamp_ms,
        ..batch.header
    };
    header.crc = crc(&header.encode(), batch.payload());
    header.encode()
}

/// CRC-32C of a batch whose header and records lie apart. The header's own `crc` field is outside.
pub(crate) fn crc(header: &[u8; HEADER_BYTES], payload: &[u8]) -> u32 {
    let mut digest = Digest::new(CrcAlgorithm::Crc32Iscsi);
    digest.update(header.get(CRC_FROM..).unwrap_or_default());
    digest.update(payload);
    u32::try_from(digest.finalize()).expect("CRC-32C has 32 bits")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Source;

    #[test]
    fn the_checksum_over_two_parts_is_that_of_an_independent_implementation() {
        let mut source = Source::new(1);
        for _ in 0..200 {
            let payload = source.buf();
            let header = [source.next().to_le_bytes()[0]; HEADER_BYTES];
            let whole = [&header[CRC_FROM..], &payload].concat();
            assert_eq!(crc(&header, &payload), crc32c::crc32c(&whole));
            assert_eq!(crc_fast::crc32_iscsi(&whole), crc32c::crc32c(&whole));
        }
    }
}
