//! Writes protocol values into one bounded buffer, beside record data that is never copied.
//!
//! Promises: the buffer holds headers and fields only; records stay where they are and appear as
//! pieces of their own in the finished frame. Past its limit a writer takes nothing more and
//! [`Writer::finish`] says so.
//! Does not: know any message (`messages`), send anything.

use model::{Buf, Bufs, TopicId};

use crate::error::EncodeError;
use crate::reader::STRING_BYTES_MAX;
use crate::varint;
use crate::{Form, Uuid};

/// One stretch of a finished frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Header bytes, or records that were given as a [`Buf`].
    Bytes(Buf),
    /// `size_bytes` of records that the caller sends itself, a range of a file for example.
    /// `index` counts the calls of [`Writer::external_records`] from 0.
    External { index: usize, size_bytes: u32 },
}

/// A whole message, length prefix included, ready to be sent in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    pub pieces: Vec<Piece>,
    /// Size of all pieces together, the 4 bytes of the length prefix included.
    pub size_bytes: usize,
}

impl Frame {
    /// The pieces of a frame without external records.
    ///
    /// # Panics
    /// When the frame has external records: only their owner can put them in place.
    #[must_use]
    pub fn into_bufs(self) -> Bufs {
        let bytes = |piece| match piece {
            Piece::Bytes(bytes) => bytes,
            Piece::External { index, .. } => panic!("external records {index} have no bytes here"),
        };
        self.pieces.into_iter().map(bytes).collect()
    }

    /// One contiguous copy, for tests and tools.
    ///
    /// # Panics
    /// As [`Frame::into_bufs`].
    #[must_use]
    pub fn into_vec(self) -> Vec<u8> {
        self.into_bufs().iter().flat_map(|bytes| bytes.iter().copied()).collect()
    }
}

/// Where record data belongs between the bytes of the buffer.
#[derive(Debug)]
enum Records {
    Held(Buf),
    External { index: usize, size_bytes: u32 },
}

impl Records {
    fn size_bytes(&self) -> usize {
        match self {
            Self::Held(records) => records.len(),
            Self::External { size_bytes, .. } => *size_bytes as usize,
        }
    }
}

/// Collects one message.
#[derive(Debug)]
pub struct Writer {
    bytes: Vec<u8>,
    /// Record data and how many of `bytes` come before it, ascending.
    records: Vec<(usize, Records)>,
    records_size_bytes: usize,
    /// Set by [`Writer::external_records`], taken by the next records field.
    external: Option<Records>,
    external_count: usize,
    limit_bytes: usize,
    overflowed: bool,
}

impl Writer {
    /// A writer that takes `limit_bytes` at most, records included.
    #[must_use]
    pub fn new(limit_bytes: usize) -> Self {
        Self {
            bytes: Vec::new(),
            records: Vec::new(),
            records_size_bytes: 0,
            external: None,
            external_count: 0,
            limit_bytes,
            overflowed: false,
        }
    }

    /// The same, starting with an emptied buffer that is used again.
    #[must_use]
    pub fn reusing(mut bytes: Vec<u8>, limit_bytes: usize) -> Self {
        bytes.clear();
        Self { bytes, ..Self::new(limit_bytes) }
    }

    /// Bytes written so far, records included.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        self.bytes.len() + self.records_size_bytes
    }

    fn put(&mut self, value: &[u8]) {
        if value.len() > self.limit_bytes.saturating_sub(self.size_bytes()) {
            self.overflowed = true;
        } else {
            self.bytes.extend_from_slice(value);
        }
    }

    pub fn bool(&mut self, value: bool) {
        self.put(&[u8::from(value)]);
    }
    pub fn i8(&mut self, value: i8) {
        self.put(&value.to_be_bytes());
    }
    pub fn i16(&mut self, value: i16) {
        self.put(&value.to_be_bytes());
    }
    pub fn u16(&mut self, value: u16) {
        self.put(&value.to_be_bytes());
    }
    pub fn i32(&mut self, value: i32) {
        self.put(&value.to_be_bytes());
    }
    pub fn i64(&mut self, value: i64) {
        self.put(&value.to_be_bytes());
    }
    pub fn uuid(&mut self, value: Uuid) {
        self.put(&value);
    }
    pub fn topic_id(&mut self, value: TopicId) {
        self.put(&value.0);
    }

    pub fn unsigned_varint(&mut self, value: u32) {
        if varint::VARINT_BYTES_MAX > self.limit_bytes.saturating_sub(self.size_bytes()) {
            self.overflowed = true;
        } else {
            varint::put_unsigned(&mut self.bytes, value);
        }
    }

    /// # Errors
    /// [`EncodeError::TooLong`] above 32,767 bytes.
    pub fn string(&mut self, value: &str, form: Form) -> Result<(), EncodeError> {
        self.nullable_string(Some(value), form)
    }

    /// # Errors
    /// [`EncodeError::TooLong`] above 32,767 bytes.
    pub fn nullable_string(&mut self, value: Option<&str>, form: Form) -> Result<(), EncodeError> {
        let length = value.map(str::len);
        let too_long = EncodeError::TooLong { length: length.unwrap_or_default() };
        if length.is_some_and(|length| length > STRING_BYTES_MAX) {
            return Err(too_long);
        }
        match form {
            Form::Flexible => self.compact_length(length)?,
            Form::Classic => self.i16(match length {
                Some(length) => i16::try_from(length).map_err(|_| too_long)?,
                None => -1,
            }),
        }
        self.put(value.unwrap_or_default().as_bytes());
        Ok(())
    }

    /// Bytes that are no records, copied: a member's subscription or assignment is small, and a
    /// response may hold thousands of them.
    ///
    /// # Errors
    /// [`EncodeError::TooLong`] above `i32::MAX` bytes.
    pub fn bytes(&mut self, value: Option<&[u8]>, form: Form) -> Result<(), EncodeError> {
        self.array_length(value.map(<[u8]>::len), form)?;
        self.put(value.unwrap_or_default());
        Ok(())
    }

    /// Record data: its length here, its bytes as a piece of the frame. The encoding is that of
    /// [`Writer::bytes`].
    ///
    /// # Errors
    /// [`EncodeError::TooLong`] above `i32::MAX` bytes.
    pub fn records(&mut self, value: Option<&Buf>, form: Form) -> Result<(), EncodeError> {
        let records = match (self.external.take(), value) {
            (Some(external), _) => external,
            (None, Some(records)) => Records::Held(records.clone()),
            (None, None) => return self.array_length(None, form),
        };
        let size_bytes = records.size_bytes();
        self.array_length(Some(size_bytes), form)?;
        if size_bytes > self.limit_bytes.saturating_sub(self.size_bytes()) {
            self.overflowed = true;
        } else if size_bytes > 0 {
            self.records_size_bytes += size_bytes;
            self.records.push((self.bytes.len(), records));
        }
        Ok(())
    }

    /// The next records field is `size_bytes` that the caller will send itself: it becomes a
    /// [`Piece::External`], whatever the message holds in that field. Zero bytes give no piece.
    pub fn external_records(&mut self, size_bytes: u32) {
        self.external = Some(Records::External { index: self.external_count, size_bytes });
        self.external_count += 1;
    }

    /// The count of an array whose elements the caller writes next; `None` is null.
    ///
    /// # Errors
    /// [`EncodeError::TooLong`] above `i32::MAX`.
    pub fn array_length(&mut self, count: Option<usize>, form: Form) -> Result<(), EncodeError> {
        match form {
            Form::Flexible => self.compact_length(count),
            Form::Classic => {
                let too_long = EncodeError::TooLong { length: count.unwrap_or_default() };
                self.i32(match count {
                    Some(count) => i32::try_from(count).map_err(|_| too_long)?,
                    None => -1,
                });
                Ok(())
            }
        }
    }

    fn compact_length(&mut self, length: Option<usize>) -> Result<(), EncodeError> {
        let plus_one = match length {
            None => 0,
            Some(length) => {
                let length = i32::try_from(length).map_err(|_| EncodeError::TooLong { length })?;
                length.cast_unsigned() + 1
            }
        };
        self.unsigned_varint(plus_one);
        Ok(())
    }

    pub(crate) fn array<T>(
        &mut self,
        elements: &[T],
        form: Form,
        mut encode: impl FnMut(&mut Self, &T) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        self.array_length(Some(elements.len()), form)?;
        for element in elements {
            encode(self, element)?;
        }
        Ok(())
    }

    pub(crate) fn nullable_array<T>(
        &mut self,
        elements: Option<&[T]>,
        form: Form,
        encode: impl FnMut(&mut Self, &T) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        match elements {
            Some(elements) => self.array(elements, form, encode),
            None => self.array_length(None, form),
        }
    }

    /// One tagged field. No tagged field of the protocol holds records.
    pub(crate) fn tagged(
        &mut self,
        tag: u32,
        encode: impl FnOnce(&mut Self) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        self.unsigned_varint(tag);
        let start = self.bytes.len();
        encode(self)?;
        // The length goes before the field but is known only after it: turn the tail around.
        let length = self.bytes.len() - start;
        let length = u32::try_from(length).map_err(|_| EncodeError::TooLong { length })?;
        self.unsigned_varint(length);
        if let Some(field) = self.bytes.get_mut(start..) {
            field.rotate_left(length as usize);
        }
        Ok(())
    }

    /// Room for a number that is known only later: a place for [`Writer::patch_i32`].
    pub fn reserve_i32(&mut self) -> usize {
        let at = self.bytes.len();
        self.i32(0);
        at
    }

    /// Overwrites the number at a place that [`Writer::reserve_i32`] returned.
    pub fn patch_i32(&mut self, at: usize, value: i32) {
        if let Some(place) = self.bytes.get_mut(at..at + 4) {
            place.copy_from_slice(&value.to_be_bytes());
        }
    }

    /// The bytes of a message without records, with no length prefix.
    ///
    /// # Errors
    /// [`EncodeError::TooLarge`] when the limit was met.
    ///
    /// # Panics
    /// When records were written: they are not in the buffer.
    pub fn into_bytes(self) -> Result<Vec<u8>, EncodeError> {
        assert!(self.records.is_empty(), "this message holds records: finish it as a frame");
        if self.overflowed {
            return Err(EncodeError::TooLarge { limit_bytes: self.limit_bytes });
        }
        Ok(self.bytes)
    }

    /// The frame. Its first four bytes, reserved by the caller, become the length prefix.
    ///
    /// # Errors
    /// [`EncodeError::TooLarge`] when the limit was met.
    pub fn finish(mut self) -> Result<Frame, EncodeError> {
        let size_bytes = self.size_bytes();
        let too_large = EncodeError::TooLarge { limit_bytes: self.limit_bytes };
        let length = size_bytes.checked_sub(4).and_then(|length| i32::try_from(length).ok());
        let (Some(length), false) = (length, self.overflowed) else { return Err(too_large) };
        self.patch_i32(0, length);

        let bytes = Buf::from(self.bytes);
        let mut pieces = Vec::with_capacity(2 * self.records.len() + 1);
        let mut sent = 0;
        for (at, records) in self.records {
            if at > sent {
                pieces.push(Piece::Bytes(bytes.slice(sent..at)));
                sent = at;
            }
            pieces.push(match records {
                Records::Held(records) => Piece::Bytes(records),
                Records::External { index, size_bytes } => Piece::External { index, size_bytes },
            });
        }
        if sent < bytes.len() {
            pieces.push(Piece::Bytes(bytes.slice(sent..)));
        }
        Ok(Frame { pieces, size_bytes })
    }
}
