//! Whether a history is what was written: CRC-32C over its header, and over its entries.

use crc_fast::{CrcAlgorithm, Digest};
use std::io::{self, Read};

use super::{ENTRY_BYTES, End, Entry};

/// Where the end entry keeps the sum of all entries, itself included with zeroes in this place.
const SUM_AT: usize = 34;
const SUM_BYTES: usize = 4;

/// The sum of what was shown so far.
#[derive(Debug, Clone)]
pub(super) struct Sum(Digest);

impl Default for Sum {
    fn default() -> Self {
        Self(Digest::new(CrcAlgorithm::Crc32Iscsi))
    }
}

impl Sum {
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(super) fn value(&self) -> [u8; SUM_BYTES] {
        let value = u32::try_from(self.0.finalize()).expect("CRC-32C has 32 bits");
        value.to_le_bytes()
    }

    /// The end entry after the entries of this sum.
    pub(super) fn seal(mut self, end: End) -> [u8; ENTRY_BYTES] {
        let mut bytes = Entry::End(end).encode();
        self.add(&bytes);
        bytes[SUM_AT..SUM_AT + SUM_BYTES].copy_from_slice(&self.value());
        bytes
    }

    /// Whether this end entry was written after exactly the entries of this sum.
    pub(super) fn matches(mut self, end: &[u8; ENTRY_BYTES]) -> bool {
        let mut bytes = *end;
        bytes[SUM_AT..SUM_AT + SUM_BYTES].fill(0);
        self.add(&bytes);
        end[SUM_AT..SUM_AT + SUM_BYTES] == self.value()
    }
}

/// Sums up what is read through it.
pub(super) struct Summed<'r, R> {
    pub(super) from: &'r mut R,
    pub(super) sum: Sum,
}

impl<R: Read> Read for Summed<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.from.read(into)?;
        self.sum.add(&into[..count]);
        Ok(count)
    }
}
