//! Records inside a batch, read in place.
//!
//! ```text
//! length varint | attributes 1 | timestamp_delta varlong | offset_delta varint
//! key length varint (-1: null), key | value length varint (-1: null), value
//! header count varint | each: key length varint, key | value length varint (-1: null), value
//! ```

use super::BatchError;
use crate::varint::{read_varint, read_varlong};

/// One record, borrowing its batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// From the batch's base timestamp. Without meaning under LogAppendTime.
    pub timestamp_delta_ms: i64,
    /// From the batch's base offset.
    pub offset_delta: i32,
    pub key: Option<&'a [u8]>,
    /// `None` is a tombstone.
    pub value: Option<&'a [u8]>,
    pub headers: Headers<'a>,
}

/// A record header; keys may repeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header<'a> {
    /// Text in UTF-8, by agreement: not checked.
    pub key: &'a [u8],
    pub value: Option<&'a [u8]>,
}

impl<'a> Record<'a> {
    /// Reads the first record of `bytes` and what comes after it. `None`: malformed.
    #[must_use]
    pub fn read(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let mut outer = Cursor(bytes);
        let length = usize::try_from(outer.varint()?).ok()?;
        let mut body = Cursor(outer.take(length)?);
        let _attributes = body.take(1)?;
        let timestamp_delta_ms = body.varlong()?;
        let offset_delta = body.varint()?;
        let key = body.nullable()?;
        let value = body.nullable()?;
        let count = u32::try_from(body.varint()?).ok()?;
        let headers = Headers { rest: body.0, count };
        for _ in 0..count {
            body.header()?;
        }
        let whole = body.0.is_empty();
        let record = Self { timestamp_delta_ms, offset_delta, key, value, headers };
        whole.then_some((record, outer.0))
    }
}

/// The headers of a record in their order, duplicates included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Headers<'a> {
    rest: &'a [u8],
    count: u32,
}

impl<'a> Iterator for Headers<'a> {
    type Item = Header<'a>;

    fn next(&mut self) -> Option<Header<'a>> {
        self.count = self.count.checked_sub(1)?;
        let mut cursor = Cursor(self.rest);
        let header = cursor.header()?;
        self.rest = cursor.0;
        Some(header)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.count as usize, Some(self.count as usize))
    }
}

impl ExactSizeIterator for Headers<'_> {}

/// The records of a batch, as many as its header counts.
///
/// A malformed record, or bytes after the last one, give an error once and end the walk.
#[derive(Debug, Clone)]
pub struct Records<'a> {
    rest: &'a [u8],
    index: u32,
    count: u32,
}

impl<'a> Records<'a> {
    pub(super) fn new(payload: &'a [u8], record_count: i32) -> Self {
        Self { rest: payload, index: 0, count: u32::try_from(record_count).unwrap_or(0) }
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        let bytes = core::mem::take(&mut self.rest);
        if self.index == self.count {
            return (!bytes.is_empty()).then_some(Err(BatchError::TrailingBytes));
        }
        let index = self.index;
        match Record::read(bytes) {
            Some((record, rest)) => {
                self.rest = rest;
                self.index += 1;
                Some(Ok(record))
            }
            None => {
                self.count = self.index;
                Some(Err(BatchError::MalformedRecord { index }))
            }
        }
    }
}

struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    #[inline]
    fn take(&mut self, size_bytes: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(size_bytes)?;
        self.0 = rest;
        Some(taken)
    }

    #[inline]
    fn varint(&mut self) -> Option<i32> {
        let (value, size_bytes) = read_varint(self.0)?;
        self.0 = self.0.get(size_bytes..)?;
        Some(value)
    }

    #[inline]
    fn varlong(&mut self) -> Option<i64> {
        let (value, size_bytes) = read_varlong(self.0)?;
        self.0 = self.0.get(size_bytes..)?;
        Some(value)
    }

    #[inline]
    fn nullable(&mut self) -> Option<Option<&'a [u8]>> {
        match self.varint()? {
            -1 => Some(None),
            length => Some(Some(self.take(usize::try_from(length).ok()?)?)),
        }
    }

    fn header(&mut self) -> Option<Header<'a>> {
        Some(Header { key: self.nullable()??, value: self.nullable()? })
    }
}
