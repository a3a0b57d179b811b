//! A batch where it lies, and the batches of a buffer one after the other.

use super::record::Records;
use super::{BatchError, BatchHeader, CRC_FROM, HEADER_BYTES};

/// One whole batch in place: its header, its bytes.
#[derive(Debug, Clone, Copy)]
pub struct BatchView<'a> {
    pub header: BatchHeader,
    bytes: &'a [u8],
}

impl<'a> BatchView<'a> {
    /// Views the first batch in `bytes`; more may follow it.
    ///
    /// Checks length and magic only: neither the checksum ([`BatchView::check_crc`]) nor the records.
    ///
    /// # Errors
    /// [`BatchError::Truncated`] with the bytes that are needed, [`BatchError::Length`],
    /// [`BatchError::Magic`].
    pub fn new(bytes: &'a [u8]) -> Result<Self, BatchError> {
        let header = BatchHeader::decode(bytes)?;
        let needed_bytes = header.size_bytes as usize;
        match bytes.get(..needed_bytes) {
            Some(bytes) => Ok(Self { header, bytes }),
            None => Err(BatchError::Truncated { needed_bytes, available_bytes: bytes.len() }),
        }
    }

    /// The whole batch, header included.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The records as they are stored, compressed or not.
    #[must_use]
    pub fn payload(&self) -> &'a [u8] {
        self.bytes.get(HEADER_BYTES..).unwrap_or_default()
    }

    /// Reads the whole batch once to compare its CRC-32C.
    ///
    /// # Errors
    /// [`BatchError::Checksum`].
    pub fn check_crc(&self) -> Result<(), BatchError> {
        let computed = crc_fast::crc32_iscsi(self.bytes.get(CRC_FROM..).unwrap_or_default());
        let expected = self.header.crc;
        if computed == expected { Ok(()) } else { Err(BatchError::Checksum { expected, computed }) }
    }

    /// The records one after the other; `scratch` holds them when they are compressed.
    ///
    /// # Errors
    /// The codec is unknown, or the data does not decompress into `decompressed_bytes_max`.
    pub fn records<'s>(
        &self,
        scratch: &'s mut Vec<u8>,
        decompressed_bytes_max: usize,
    ) -> Result<Records<'s>, BatchError>
    where
        'a: 's,
    {
        let codec = self.header.attributes.codec()?;
        let payload = codec
            .decompressed(self.payload(), scratch, decompressed_bytes_max)
            .map_err(BatchError::Compression)?;
        Ok(Records::new(payload, self.header.record_count))
    }
}

/// The batches in `bytes`, in order.
///
/// A cut batch at the end gives [`BatchError::Truncated`] once: a consumer stops there and fetches
/// again from its offset. After any error nothing more comes.
#[must_use]
pub fn batches(bytes: &[u8]) -> Batches<'_> {
    Batches { rest: bytes }
}

/// See [`batches`].
#[derive(Debug, Clone)]
pub struct Batches<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Batches<'a> {
    type Item = Result<BatchView<'a>, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = core::mem::take(&mut self.rest);
        if rest.is_empty() {
            return None;
        }
        let view = BatchView::new(rest);
        if let Ok(view) = &view {
            self.rest = rest.get(view.bytes.len()..).unwrap_or_default();
        }
        Some(view)
    }
}
