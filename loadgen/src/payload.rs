//! What a record carries: who sent it, its place in the stream and when it was due, then filler.
//!
//! ```text
//! run 2 bytes | lane 2 | sequence 6 | due 6 (ns since the start of the run) | filler
//! ```
//! The filler is a function of the sequence, so that a consumer can compare every byte without
//! remembering any of them.

use model::splitmix::hash;

use crate::schedule::Due;

/// Size of the head, and the smallest record.
pub const HEAD_BYTES: usize = 16;

const ARENA_BYTES: usize = 256 << 10;
const SLOTS_MIN: usize = 4;
const SLOTS_MAX: usize = 4096;
const LOW_48_BITS: u64 = (1 << 48) - 1;

/// The head of a record's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Tells records of this run from those of another.
    pub run: u16,
    pub lane: u16,
    pub due: Due,
}

impl Head {
    #[inline]
    fn encode(self) -> [u8; HEAD_BYTES] {
        let value = u128::from(self.run) << 112
            | u128::from(self.lane) << 96
            | u128::from(self.due.sequence & LOW_48_BITS) << 48
            | u128::from(self.due.at_ns & LOW_48_BITS);
        value.to_be_bytes()
    }

    /// Reads the head of a value; `None` when the value is shorter.
    #[inline]
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "each field is cut out of its bits")]
    pub fn decode(value: &[u8]) -> Option<Self> {
        let bits = u128::from_be_bytes(*value.first_chunk()?);
        let due =
            Due { sequence: (bits >> 48) as u64 & LOW_48_BITS, at_ns: bits as u64 & LOW_48_BITS };
        Some(Self { run: (bits >> 112) as u16, lane: (bits >> 96) as u16, due })
    }
}

/// Ready-made values: producing one writes its head and nothing else.
pub struct Arena {
    bytes: Vec<u8>,
    value_bytes: usize,
    slot_mask: u64,
}

impl Arena {
    /// Values of `value_bytes`, at least [`HEAD_BYTES`], with filler that compresses a little (64
    /// different bytes).
    #[must_use]
    pub fn new(value_bytes: usize, seed: u64) -> Self {
        const ALPHABET: &[u8; 64] =
            b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
        assert!(value_bytes >= HEAD_BYTES, "a value holds its head");
        let slots = (ARENA_BYTES / value_bytes).clamp(SLOTS_MIN, SLOTS_MAX);
        let slots = 1 << slots.ilog2();
        let letter = |at: usize| {
            let random = hash(seed ^ (at / 10) as u64) >> (6 * (at % 10));
            ALPHABET[usize::try_from(random & 63).expect("6 bits")]
        };
        let bytes = (0..slots * value_bytes).map(letter).collect();
        Self { bytes, value_bytes, slot_mask: slots as u64 - 1 }
    }

    /// The value of one record, until the next call.
    #[inline]
    pub fn value(&mut self, head: Head) -> &[u8] {
        let slot = self.slot(head.due.sequence);
        let value = &mut self.bytes[slot..slot + self.value_bytes];
        value[..HEAD_BYTES].copy_from_slice(&head.encode());
        value
    }

    /// Whether a value with this head is what was sent, byte for byte.
    #[must_use]
    pub fn matches(&self, head: Head, value: &[u8]) -> bool {
        let slot = self.slot(head.due.sequence);
        let filler = &self.bytes[slot + HEAD_BYTES..slot + self.value_bytes];
        value.get(HEAD_BYTES..) == Some(filler)
    }

    #[inline]
    fn slot(&self, sequence: u64) -> usize {
        usize::try_from(sequence & self.slot_mask).expect("a few thousand slots") * self.value_bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(sequence: u64) -> Head {
        Head { run: 0xbeef, lane: 7, due: Due { sequence, at_ns: sequence * 1_000 } }
    }

    #[test]
    fn a_head_survives_its_bytes() {
        let head = head(0x1234_5678_9abc);
        let bytes = head.encode();
        let due = Due { sequence: head.due.sequence, at_ns: head.due.at_ns & LOW_48_BITS };
        assert_eq!(Head::decode(&bytes), Some(Head { due, ..head }));
        assert_eq!(Head::decode(&bytes[1..]), None);
    }

    #[test]
    fn one_wrong_byte_is_noticed() {
        let mut arena = Arena::new(100, 1);
        for sequence in [0, 1, 4_095, 4_096, 1_000_000] {
            let mut value = arena.value(head(sequence)).to_vec();
            assert!(arena.matches(head(sequence), &value));
            value[99] ^= 1;
            assert!(!arena.matches(head(sequence), &value));
            assert!(!arena.matches(head(sequence), &value[..99]));
        }
    }
}
