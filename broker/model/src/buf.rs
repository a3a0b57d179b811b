//! Immutable byte slices, shared by count.

use bytes::Bytes;
use core::fmt;
use core::ops::{Bound, Deref, RangeBounds};

use crate::Probe;

/// Bytes that nobody may change any more: a received frame, or a piece of one.
///
/// `Send` and cheap to clone and slice. Memory that belongs to a backend's pool returns to it when
/// the last slice is dropped, on whichever shard that happens.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Buf(Bytes);

/// A short list of pieces that are written one after the other.
pub type Bufs = Vec<Buf>;

impl Buf {
    pub const EMPTY: Self = Self(Bytes::new());

    /// Wraps memory whose owner wants to know when the last slice is gone (it is dropped then).
    pub fn from_owner<T: AsRef<[u8]> + Send + 'static>(owner: T) -> Self {
        Self(Bytes::from_owner(owner))
    }

    #[must_use]
    pub fn from_static(bytes: &'static [u8]) -> Self {
        Self(Bytes::from_static(bytes))
    }

    /// The bytes of `range`, sharing this buffer's memory.
    ///
    /// # Panics
    /// When the range does not lie inside the buffer: check lengths that come from a peer first.
    #[must_use]
    pub fn slice(&self, range: impl RangeBounds<usize>) -> Self {
        Self(self.0.slice(range))
    }

    /// Like [`Buf::slice`], `None` when the range does not lie inside the buffer.
    #[must_use]
    pub fn get(&self, range: impl RangeBounds<usize>) -> Option<Self> {
        let start = match range.start_bound() {
            Bound::Included(at) => *at,
            Bound::Excluded(at) => at.checked_add(1)?,
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(at) => at.checked_add(1)?,
            Bound::Excluded(at) => *at,
            Bound::Unbounded => self.len(),
        };
        (start <= end && end <= self.len()).then(|| self.slice(start..end))
    }
}

impl Deref for Buf {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for Buf {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for Buf {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Bytes::from(bytes))
    }
}

impl fmt::Debug for Buf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buf({} bytes)", self.len())
    }
}

/// The one way to copy record bytes in a hot crate, so that "bytes copied per byte" is counted.
pub fn copy<P: Probe>(probe: &mut P, dst: &mut Vec<u8>, src: &[u8]) {
    probe.copied(src.len());
    dst.extend_from_slice(src);
}
