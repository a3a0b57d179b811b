//! What the criterion targets share: the same batches, so that figures compare.
//!
//! `cargo bench -p benches` measures; `cargo bench -p benches -- --test` runs every body once, as the
//! gate does. Figures count only from a quiet machine.

use wire::batch::{BatchBuilder, BatchStamp};

/// How many records a batch has, and how large each value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    pub records: u32,
    pub value_bytes: usize,
}

impl Shape {
    pub const ONE: Self = Self { records: 1, value_bytes: 100 };
    /// What a linger of half a millisecond collects at some 80,000 records per second.
    pub const FORTY: Self = Self { records: 40, value_bytes: 100 };
}

/// A batch as a producer sends it: no keys, no headers, uncompressed.
#[must_use]
pub fn batch(shape: Shape, timestamp_ms: i64) -> Vec<u8> {
    let value = vec![b'v'; shape.value_bytes];
    batch_of(&value, shape.records, timestamp_ms, Vec::new())
}

/// The same, into a buffer that is used again.
#[must_use]
pub fn batch_of(value: &[u8], records: u32, timestamp_ms: i64, buffer: Vec<u8>) -> Vec<u8> {
    let mut builder = BatchBuilder::new(buffer);
    for _ in 0..records {
        builder.append(timestamp_ms, None, Some(value), &[]);
    }
    builder.finish(&BatchStamp::default())
}
