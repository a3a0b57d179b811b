//! Reads protocol values out of a received frame.
//!
//! Promises: never panics; reserves memory only for elements that the remaining bytes can hold;
//! byte and record fields are slices of the frame, not copies.
//! Does not: know any message (`messages`), check that the frame is used up (Kafka does not either).

use core::ops::Range;

use model::{Buf, TopicId};

use crate::error::DecodeError;
use crate::varint;
use crate::{Form, Uuid};

/// Most array elements of one message, all arrays together. A response that lists 200,000
/// partitions with three replicas fits several times over.
pub const ELEMENTS_MAX: u32 = 8 << 20;

/// Elements reserved at once; a longer array grows as its elements really arrive.
const ELEMENTS_RESERVED_MAX: usize = 1024;

/// Longest string in bytes, in both encodings.
pub const STRING_BYTES_MAX: usize = i16::MAX as usize;

/// A position in a frame. Every read moves it past what was read.
#[derive(Debug, Clone)]
pub struct Reader<'f> {
    frame: &'f Buf,
    at: usize,
    /// Exclusive. Inside a tagged field this is the field's end, else the frame's.
    end: usize,
    elements_left: u32,
}

impl<'f> Reader<'f> {
    #[must_use]
    pub fn new(frame: &'f Buf) -> Self {
        Self::with_elements_max(frame, ELEMENTS_MAX)
    }

    /// A reader for a message of at most `elements_max` array elements.
    #[must_use]
    pub fn with_elements_max(frame: &'f Buf, elements_max: u32) -> Self {
        Self { frame, at: 0, end: frame.len(), elements_left: elements_max }
    }

    /// Bytes from the start of the frame to the next value.
    #[must_use]
    pub fn position(&self) -> usize {
        self.at
    }

    /// Bytes not yet read.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.end - self.at
    }

    fn take(&mut self, size_bytes: usize) -> Result<&'f [u8], DecodeError> {
        let truncated = DecodeError::Truncated { at: self.at };
        if size_bytes > self.remaining() {
            return Err(truncated);
        }
        let bytes = self.bytes(self.at..self.at + size_bytes).ok_or(truncated)?;
        self.at += size_bytes;
        Ok(bytes)
    }

    /// `Buf::get` would count a reference; this borrows.
    fn bytes(&self, range: Range<usize>) -> Option<&'f [u8]> {
        let frame: &'f [u8] = self.frame;
        frame.get(range)
    }

    fn array_of<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let at = self.at;
        self.take(N)?.try_into().map_err(|_| DecodeError::Truncated { at })
    }
}

/// Numbers.
impl Reader<'_> {
    /// # Errors
    /// [`DecodeError::Truncated`]. Any byte but 0 is true, as in Kafka.
    pub fn bool(&mut self) -> Result<bool, DecodeError> {
        Ok(self.i8()? != 0)
    }
    /// # Errors
    /// [`DecodeError::Truncated`].
    pub fn i8(&mut self) -> Result<i8, DecodeError> {
        self.array_of().map(i8::from_be_bytes)
    }
    /// # Errors
    /// [`DecodeError::Truncated`].
    pub fn i16(&mut self) -> Result<i16, DecodeError> {
        self.array_of().map(i16::from_be_bytes)
    }
    /// # Errors
    /// [`DecodeError::Truncated`].
    pub fn u16(&mut self) -> Result<u16, DecodeError> {
        self.array_of().map(u16::from_be_bytes)
    }
    /// # Errors
    /// [`DecodeError::Truncated`].
    pub fn i32(&mut self) -> Result<i32, DecodeError> {
        self.array_of().map(i32::from_be_bytes)
    }
    /// # Errors
    /// [`DecodeError::Truncated`].
    pub fn i64(&mut self) -> Result<i64, DecodeError> {
        self.array_of().map(i64::from_be_bytes)
    }
    /// # Errors
    /// [`DecodeError::Truncated`].
    pub fn uuid(&mut self) -> Result<Uuid, DecodeError> {
        self.array_of()
    }
    /// # Errors
    /// [`DecodeError::Truncated`].
    pub fn topic_id(&mut self) -> Result<TopicId, DecodeError> {
        self.array_of().map(TopicId)
    }
    /// # Errors
    /// [`DecodeError::Varint`] or [`DecodeError::Truncated`].
    pub fn unsigned_varint(&mut self) -> Result<u32, DecodeError> {
        let at = self.at;
        let rest = self.bytes(at..self.end).unwrap_or_default();
        let Some((value, size_bytes)) = varint::read_unsigned(rest) else {
            return Err(if rest.len() < varint::VARINT_BYTES_MAX {
                DecodeError::Truncated { at }
            } else {
                DecodeError::Varint { at }
            });
        };
        self.at += size_bytes;
        Ok(value)
    }
}

/// Strings, bytes, records.
impl<'f> Reader<'f> {
    /// A string that borrows the frame.
    ///
    /// # Errors
    /// Truncated, null, longer than [`STRING_BYTES_MAX`], or not UTF-8.
    pub fn str(&mut self, form: Form) -> Result<&'f str, DecodeError> {
        let at = self.at;
        self.nullable_str(form)?.ok_or(DecodeError::Null { at })
    }

    /// A string that borrows the frame, or null.
    ///
    /// # Errors
    /// Truncated, longer than [`STRING_BYTES_MAX`], or not UTF-8.
    pub fn nullable_str(&mut self, form: Form) -> Result<Option<&'f str>, DecodeError> {
        let at = self.at;
        let length = match form {
            Form::Classic => i64::from(self.i16()?),
            Form::Flexible => i64::from(self.unsigned_varint()?) - 1,
        };
        let Some(size_bytes) = self.length(at, length)? else { return Ok(None) };
        if size_bytes > STRING_BYTES_MAX {
            return Err(DecodeError::Length { at, length });
        }
        match core::str::from_utf8(self.take(size_bytes)?) {
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(DecodeError::Utf8 { at }),
        }
    }

    pub(crate) fn string(&mut self, form: Form) -> Result<String, DecodeError> {
        self.str(form).map(str::to_owned)
    }

    pub(crate) fn nullable_string(&mut self, form: Form) -> Result<Option<String>, DecodeError> {
        Ok(self.nullable_str(form)?.map(str::to_owned))
    }

    /// Record data or null, as a slice of the frame. Bytes fields have the same encoding.
    ///
    /// # Errors
    /// Truncated, or a length that the frame does not hold.
    pub fn records(&mut self, form: Form) -> Result<Option<Buf>, DecodeError> {
        let at = self.at;
        let length = match form {
            Form::Classic => i64::from(self.i32()?),
            Form::Flexible => i64::from(self.unsigned_varint()?) - 1,
        };
        let Some(size_bytes) = self.length(at, length)? else { return Ok(None) };
        let start = self.at;
        self.take(size_bytes)?;
        Ok(self.frame.get(start..self.at))
    }

    /// `None` for -1. Anything else must fit what is left.
    fn length(&self, at: usize, length: i64) -> Result<Option<usize>, DecodeError> {
        if length == -1 {
            return Ok(None);
        }
        match usize::try_from(length) {
            Ok(size_bytes) if size_bytes <= self.remaining() => Ok(Some(size_bytes)),
            Ok(_) => Err(DecodeError::Truncated { at }),
            Err(_) => Err(DecodeError::Length { at, length }),
        }
    }
}

/// Arrays, nullable structs, tagged fields.
impl Reader<'_> {
    /// An array. `element_bytes_min` is the smallest encoding of one element: a count is believed
    /// only as far as the remaining bytes can hold it.
    pub(crate) fn array<T>(
        &mut self,
        form: Form,
        element_bytes_min: usize,
        decode: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        let at = self.at;
        self.nullable_array(form, element_bytes_min, decode)?.ok_or(DecodeError::Null { at })
    }

    pub(crate) fn nullable_array<T>(
        &mut self,
        form: Form,
        element_bytes_min: usize,
        mut decode: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Option<Vec<T>>, DecodeError> {
        let Some(count) = self.nullable_count(form, element_bytes_min)? else { return Ok(None) };
        let mut elements = Vec::with_capacity(count.min(ELEMENTS_RESERVED_MAX));
        for _ in 0..count {
            elements.push(decode(self)?);
        }
        Ok(Some(elements))
    }

    /// The count of an array that the caller reads element by element.
    ///
    /// # Errors
    /// Null, or a count that the remaining bytes cannot hold at `element_bytes_min` each.
    pub fn count(&mut self, form: Form, element_bytes_min: usize) -> Result<usize, DecodeError> {
        let at = self.at;
        self.nullable_count(form, element_bytes_min)?.ok_or(DecodeError::Null { at })
    }

    fn nullable_count(
        &mut self,
        form: Form,
        element_bytes_min: usize,
    ) -> Result<Option<usize>, DecodeError> {
        let at = self.at;
        let length = match form {
            Form::Classic => i64::from(self.i32()?),
            Form::Flexible => i64::from(self.unsigned_varint()?) - 1,
        };
        if length == -1 {
            return Ok(None);
        }
        let count = u32::try_from(length).map_err(|_| DecodeError::Length { at, length })?;
        let fits = self.remaining() / element_bytes_min.max(1);
        if count as usize > fits {
            return Err(DecodeError::Length { at, length });
        }
        self.elements_left =
            self.elements_left.checked_sub(count).ok_or(DecodeError::Elements { at })?;
        Ok(Some(count as usize))
    }

    /// Whether a nullable struct follows.
    pub(crate) fn present(&mut self) -> Result<bool, DecodeError> {
        Ok(self.i8()? >= 0)
    }

    /// The error for a null that this version does not allow, at the current position.
    pub(crate) fn null(&self) -> DecodeError {
        DecodeError::Null { at: self.at }
    }

    /// Reads the tagged fields of one struct. `known` decodes a tag that it knows and returns true;
    /// other tags are skipped.
    ///
    /// # Errors
    /// Tags repeated or out of order, a known field that is not as long as it says, or what `known`
    /// returns.
    pub fn tagged_fields(
        &mut self,
        mut known: impl FnMut(u32, &mut Self) -> Result<bool, DecodeError>,
    ) -> Result<(), DecodeError> {
        let count = self.unsigned_varint()?;
        let mut tag_min = 0u64;
        for _ in 0..count {
            let at = self.at;
            let tag = self.unsigned_varint()?;
            if u64::from(tag) < tag_min {
                return Err(DecodeError::TagOrder { at, tag });
            }
            tag_min = u64::from(tag) + 1;
            let size_bytes = self.unsigned_varint()? as usize;
            if size_bytes > self.remaining() {
                return Err(DecodeError::Truncated { at });
            }
            let field_end = self.at + size_bytes;
            let outer_end = core::mem::replace(&mut self.end, field_end);
            if known(tag, self)? && self.at != field_end {
                return Err(DecodeError::TagLength { at, tag });
            }
            self.at = field_end;
            self.end = outer_end;
        }
        Ok(())
    }

    /// Skips the tagged fields of a struct that knows none.
    pub(crate) fn skip_tagged_fields(&mut self) -> Result<(), DecodeError> {
        self.tagged_fields(|_, _| Ok(false))
    }
}
