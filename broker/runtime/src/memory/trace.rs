//! What happened, folded into one number: two runs are the same run when their hashes agree.
//!
//! Promises: depends on nothing but the events: no addresses, no map order, no real time. Bytes
//! that are written or delivered go in by content, so that a random order inside a response shows.
//! Does not: keep the events, but for the last few, which a failing test prints.

use core::fmt;
use model::Instant;
use std::collections::VecDeque;

use super::random::mix;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Boot = 1,
    End = 2,
    Poll = 3,
    Panic = 4,
    Timer = 5,
    Append = 6,
    Read = 7,
    Sync = 8,
    Name = 9,
    PowerLoss = 11,
    Connect = 13,
    Deliver = 14,
    Finish = 15,
    Reset = 16,
    Stall = 17,
    Mesh = 18,
    Offload = 19,
    Signal = 20,
    Random = 21,
}

/// One event: when, on which node, what, and two words of detail.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    at: Instant,
    node: usize,
    kind: Kind,
    detail: [u64; 2],
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second] = self.detail;
        write!(f, "{:?} node {} {:?} {first:x} {second:x}", self.at, self.node, self.kind)
    }
}

/// Events that are kept for a failing test.
const KEPT: usize = 256;

#[derive(Default)]
pub(super) struct Trace {
    hash: u64,
    count: u64,
    last: VecDeque<Entry>,
}

impl Trace {
    pub(super) fn record(&mut self, at: Instant, node: usize, kind: Kind, detail: [u64; 2]) {
        let place = (node as u64) << 8 | kind as u64;
        for word in [at.0, place, detail[0], detail[1]] {
            self.hash = mix(self.hash ^ word).wrapping_add(word);
        }
        self.count += 1;
        if self.last.len() == KEPT {
            self.last.pop_front();
        }
        self.last.push_back(Entry { at, node, kind, detail });
    }

    pub(super) fn hash(&self) -> u64 {
        mix(self.hash ^ self.count)
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn last(&self) -> impl Iterator<Item = &Entry> {
        self.last.iter()
    }
}

/// The content of some bytes as one word, whatever pieces they came in.
#[derive(Default)]
pub(super) struct Fold {
    hash: u64,
    pending: u64,
    len: u64,
}

impl Fold {
    pub(super) fn bytes(bytes: &[u8]) -> u64 {
        let mut fold = Self::default();
        fold.add(bytes);
        fold.finish()
    }

    pub(super) fn add(&mut self, mut bytes: &[u8]) {
        while !self.len.is_multiple_of(8) {
            let Some((first, rest)) = bytes.split_first() else { return };
            self.byte(*first);
            bytes = rest;
        }
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.word(u64::from_le_bytes(*word));
        }
        self.len += 8 * words.len() as u64;
        for byte in rest {
            self.byte(*byte);
        }
    }

    pub(super) fn finish(&self) -> u64 {
        mix(self.hash ^ mix(self.pending) ^ self.len)
    }

    fn byte(&mut self, byte: u8) {
        self.pending |= u64::from(byte) << (8 * (self.len % 8));
        self.len += 1;
        if self.len.is_multiple_of(8) {
            let word = core::mem::take(&mut self.pending);
            self.word(word);
        }
    }

    fn word(&mut self, word: u64) {
        self.hash = (self.hash.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_detail_change_the_hash() {
        let record = |order: &[(u64, Kind)]| {
            let mut trace = Trace::default();
            for (detail, kind) in order {
                trace.record(Instant(1), 0, *kind, [*detail, 0]);
            }
            trace.hash()
        };
        let one = record(&[(1, Kind::Poll), (2, Kind::Timer)]);
        assert_eq!(one, record(&[(1, Kind::Poll), (2, Kind::Timer)]));
        assert_ne!(one, record(&[(2, Kind::Timer), (1, Kind::Poll)]));
        assert_ne!(one, record(&[(1, Kind::Poll), (3, Kind::Timer)]));
    }

    #[test]
    fn pieces_do_not_matter_to_the_fold_but_every_byte_does() {
        let bytes: Vec<u8> = (0..100).collect();
        let whole = Fold::bytes(&bytes);
        for cut in 0..bytes.len() {
            let mut fold = Fold::default();
            fold.add(&bytes[..cut]);
            fold.add(&bytes[cut..]);
            assert_eq!(fold.finish(), whole, "cut at {cut}");
            let mut other = bytes.clone();
            other[cut] ^= 1;
            assert_ne!(Fold::bytes(&other), whole, "byte {cut}");
        }
        assert_ne!(Fold::bytes(&[0]), Fold::bytes(&[0, 0]));
    }
}
