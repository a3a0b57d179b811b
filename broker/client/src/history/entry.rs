//! One entry and its 64 bytes.

use model::{Offset, ProducerEpoch, ProducerId};
use wire::batch::BatchProducer;

use super::ENTRY_BYTES;

/// What a history says about one batch, or at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    Produced(ProducedEntry),
    Consumed(ConsumedEntry),
    End(End),
}

/// One attempt to produce one batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProducedEntry {
    /// Of all attempts of one batch; below 2^48.
    pub operation: u64,
    /// 0 for the first try.
    pub attempt: u16,
    pub connection: u16,
    /// The partition's number in the header.
    pub place: u32,
    pub producer: Option<BatchProducer>,
    pub acks: i16,
    pub count: u32,
    pub hash: Option<u64>,
    /// When it was handed to the connection; nanoseconds since the start, below 2^48 (78 hours).
    pub invoked_ns: u64,
    /// When the outcome was known.
    pub at_ns: u64,
    pub outcome: ProducedOutcome,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProducedOutcome {
    Acked {
        base_offset: Option<Offset>,
    },
    /// With Kafka's error code.
    Refused {
        error_code: i16,
    },
    Unknown,
}

/// One batch that a consumer was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConsumedEntry {
    /// Counts the answers of this connection; below 2^48.
    pub poll: u64,
    pub connection: u16,
    pub place: u32,
    pub producer: Option<BatchProducer>,
    /// Records in the batch now; compaction leaves less than the offsets it spans.
    pub count: u32,
    pub hash: Option<u64>,
    pub base_offset: Offset,
    pub last_offset: Offset,
    /// What the answer said; clamped to 2^32 - 2 offsets after the batch.
    pub high_watermark: Option<Offset>,
    pub at_ns: u64,
    pub control: bool,
    pub transactional: bool,
    /// The consumer jumped here on purpose.
    pub sought: bool,
}

/// The last entry of a history that was ended in good order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// Entries before this one.
    pub entry_count: u64,
    /// Entries that are missing because the writer had no room.
    pub dropped_count: u64,
    /// Every consumer has read its partitions to the end, after the last outcome.
    pub caught_up: bool,
}

const PRODUCED: u8 = 1;
const CONSUMED: u8 = 2;
const END: u8 = 3;

/// In every entry with a hash.
const HASHED: u8 = 1 << 7;

const OUTCOME: u8 = 0b0000_0011;
const ACKED: u8 = 0;
const REFUSED: u8 = 1;
const UNKNOWN: u8 = 2;
const ACKS: u8 = 0b0000_1100;
const ACKS_NONE: u8 = 0;
const ACKS_LEADER: u8 = 1 << 2;
const ACKS_ALL: u8 = 2 << 2;

const CONTROL: u8 = 1;
const TRANSACTIONAL: u8 = 1 << 1;
const SOUGHT: u8 = 1 << 2;

const CAUGHT_UP: u8 = 1;

const NOT_KNOWN: u32 = u32::MAX;

impl Entry {
    #[must_use]
    pub fn encode(&self) -> [u8; ENTRY_BYTES] {
        let mut bytes = Bytes([0; ENTRY_BYTES]);
        match self {
            Self::Produced(entry) => entry.encode(&mut bytes),
            Self::Consumed(entry) => entry.encode(&mut bytes),
            Self::End(end) => {
                bytes.put(0, [END]);
                bytes.put(1, [if end.caught_up { CAUGHT_UP } else { 0 }]);
                bytes.put(8, end.entry_count.to_le_bytes());
                bytes.put(26, end.dropped_count.to_le_bytes());
            }
        }
        bytes.0
    }

    /// `None`: these bytes are no entry.
    #[must_use]
    pub fn decode(bytes: &[u8; ENTRY_BYTES]) -> Option<Self> {
        let bytes = &Bytes(*bytes);
        match bytes.byte(0) {
            PRODUCED => ProducedEntry::decode(bytes).map(Self::Produced),
            CONSUMED => ConsumedEntry::decode(bytes).map(Self::Consumed),
            END => Some(Self::End(End {
                entry_count: u64::from_le_bytes(bytes.get(8)),
                dropped_count: u64::from_le_bytes(bytes.get(26)),
                caught_up: bytes.byte(1) & CAUGHT_UP != 0,
            })),
            _ => None,
        }
    }
}

impl ProducedEntry {
    fn encode(&self, bytes: &mut Bytes) {
        let (outcome, base_offset, error_code) = match self.outcome {
            ProducedOutcome::Acked { base_offset } => (ACKED, base_offset, 0),
            ProducedOutcome::Refused { error_code } => (REFUSED, None, error_code),
            ProducedOutcome::Unknown => (UNKNOWN, None, 0),
        };
        let acks = match self.acks {
            0 => ACKS_NONE,
            1 => ACKS_LEADER,
            _ => ACKS_ALL,
        };
        let hashed = if self.hash.is_some() { HASHED } else { 0 };
        bytes.put(0, [PRODUCED]);
        bytes.put(1, [outcome | acks | hashed]);
        bytes.put(2, self.connection.to_le_bytes());
        bytes.put(4, self.place.to_le_bytes());
        bytes.put_producer(self.producer);
        bytes.put(22, self.count.to_le_bytes());
        bytes.put(26, base_offset.map_or(-1, |offset| offset.0).to_le_bytes());
        bytes.put(34, self.hash.unwrap_or_default().to_le_bytes());
        bytes.put_48(42, self.at_ns);
        bytes.put_48(48, self.operation);
        bytes.put_48(54, self.invoked_ns);
        bytes.put(60, self.attempt.to_le_bytes());
        bytes.put(62, error_code.to_le_bytes());
    }

    fn decode(bytes: &Bytes) -> Option<Self> {
        let flags = bytes.byte(1);
        let base_offset = i64::from_le_bytes(bytes.get(26));
        let outcome = match flags & OUTCOME {
            ACKED => {
                let known = (base_offset >= 0).then_some(Offset(base_offset));
                ProducedOutcome::Acked { base_offset: known }
            }
            REFUSED => ProducedOutcome::Refused { error_code: i16::from_le_bytes(bytes.get(62)) },
            UNKNOWN => ProducedOutcome::Unknown,
            _ => return None,
        };
        let count = bytes.count()?;
        // So that no offset of the batch overflows.
        base_offset.checked_add(i64::from(count))?;
        Some(Self {
            operation: bytes.get_48(48),
            attempt: u16::from_le_bytes(bytes.get(60)),
            connection: u16::from_le_bytes(bytes.get(2)),
            place: u32::from_le_bytes(bytes.get(4)),
            producer: bytes.producer(),
            acks: match flags & ACKS {
                ACKS_NONE => 0,
                ACKS_LEADER => 1,
                ACKS_ALL => -1,
                _ => return None,
            },
            count,
            hash: bytes.hash(),
            invoked_ns: bytes.get_48(54),
            at_ns: bytes.get_48(42),
            outcome,
        })
    }
}

impl ConsumedEntry {
    fn encode(&self, bytes: &mut Bytes) {
        let flag = |holds, flag| if holds { flag } else { 0 };
        let flags = flag(self.control, CONTROL)
            | flag(self.transactional, TRANSACTIONAL)
            | flag(self.sought, SOUGHT)
            | flag(self.hash.is_some(), HASHED);
        let delta =
            |from: Offset, to: Offset| u32::try_from(to.0 - from.0).unwrap_or(NOT_KNOWN - 1);
        let end = self.last_offset.after(1);
        let mark = self.high_watermark.filter(|mark| *mark >= self.base_offset);
        bytes.put(0, [CONSUMED]);
        bytes.put(1, [flags]);
        bytes.put(2, self.connection.to_le_bytes());
        bytes.put(4, self.place.to_le_bytes());
        bytes.put_producer(self.producer);
        bytes.put(22, self.count.to_le_bytes());
        bytes.put(26, self.base_offset.0.to_le_bytes());
        bytes.put(34, self.hash.unwrap_or_default().to_le_bytes());
        bytes.put_48(42, self.at_ns);
        bytes.put_48(48, self.poll);
        bytes.put(54, delta(self.base_offset, end).saturating_sub(1).to_le_bytes());
        let mark = mark.map_or(NOT_KNOWN, |mark| delta(self.base_offset, mark).min(NOT_KNOWN - 1));
        bytes.put(58, mark.to_le_bytes());
    }

    fn decode(bytes: &Bytes) -> Option<Self> {
        let flags = bytes.byte(1);
        let base_offset = i64::from_le_bytes(bytes.get(26));
        if base_offset < 0 || base_offset.checked_add(i64::from(u32::MAX)).is_none() {
            return None;
        }
        let base_offset = Offset(base_offset);
        let mark = u32::from_le_bytes(bytes.get(58));
        Some(Self {
            poll: bytes.get_48(48),
            connection: u16::from_le_bytes(bytes.get(2)),
            place: u32::from_le_bytes(bytes.get(4)),
            producer: bytes.producer(),
            count: bytes.count()?,
            hash: bytes.hash(),
            base_offset,
            last_offset: base_offset.after(u32::from_le_bytes(bytes.get(54))),
            high_watermark: (mark != NOT_KNOWN).then(|| base_offset.after(mark)),
            at_ns: bytes.get_48(42),
            control: flags & CONTROL != 0,
            transactional: flags & TRANSACTIONAL != 0,
            sought: flags & SOUGHT != 0,
        })
    }
}

/// The bytes of an entry; every place is a constant inside it.
struct Bytes([u8; ENTRY_BYTES]);

impl Bytes {
    fn put<const N: usize>(&mut self, at: usize, value: [u8; N]) {
        for (to, from) in self.0.iter_mut().skip(at).zip(value) {
            *to = from;
        }
    }

    fn get<const N: usize>(&self, at: usize) -> [u8; N] {
        core::array::from_fn(|index| self.0[at + index])
    }

    fn byte(&self, at: usize) -> u8 {
        self.0[at]
    }

    /// The low 48 bits; a larger value becomes the largest that fits.
    fn put_48(&mut self, at: usize, value: u64) {
        let [a, b, c, d, e, f, _, _] = value.min((1 << 48) - 1).to_le_bytes();
        self.put(at, [a, b, c, d, e, f]);
    }

    fn get_48(&self, at: usize) -> u64 {
        let [a, b, c, d, e, f] = self.get(at);
        u64::from_le_bytes([a, b, c, d, e, f, 0, 0])
    }

    fn put_producer(&mut self, producer: Option<BatchProducer>) {
        self.put(8, producer.map_or(-1, |producer| producer.id.0).to_le_bytes());
        self.put(16, producer.map_or(-1, |producer| producer.epoch.0).to_le_bytes());
        self.put(18, producer.map_or(-1, |producer| producer.base_sequence).to_le_bytes());
    }

    fn producer(&self) -> Option<BatchProducer> {
        let id = i64::from_le_bytes(self.get(8));
        (id >= 0).then(|| BatchProducer {
            id: ProducerId(id),
            epoch: ProducerEpoch(i16::from_le_bytes(self.get(16))),
            base_sequence: i32::from_le_bytes(self.get(18)),
        })
    }

    /// No batch has more records than its length field could hold bytes.
    fn count(&self) -> Option<u32> {
        let count = u32::from_le_bytes(self.get(22));
        i32::try_from(count).ok().map(|_| count)
    }

    fn hash(&self) -> Option<u64> {
        (self.byte(1) & HASHED != 0).then(|| u64::from_le_bytes(self.get(34)))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    fn producer() -> impl Strategy<Value = Option<BatchProducer>> {
        let parts = (0..i64::MAX, any::<i16>(), any::<i32>());
        let producer = parts.prop_map(|(id, epoch, base_sequence)| BatchProducer {
            id: ProducerId(id),
            epoch: ProducerEpoch(epoch),
            base_sequence,
        });
        proptest::option::of(producer)
    }

    fn outcome() -> impl Strategy<Value = ProducedOutcome> {
        let offset = proptest::option::of(0..i64::MAX / 2);
        prop_oneof![
            offset.prop_map(|it| ProducedOutcome::Acked { base_offset: it.map(Offset) }),
            any::<i16>().prop_map(|error_code| ProducedOutcome::Refused { error_code }),
            Just(ProducedOutcome::Unknown),
        ]
    }

    fn produced() -> impl Strategy<Value = Entry> {
        let numbers = (0..1_u64 << 48, any::<u16>(), any::<u16>(), any::<u32>(), 0..1_u32 << 31);
        let times = (0..1_u64 << 48, 0..1_u64 << 48);
        let rest = (producer(), -1..2_i16, any::<Option<u64>>(), times, outcome());
        (numbers, rest).prop_map(|(numbers, (producer, acks, hash, times, outcome))| {
            let (operation, attempt, connection, place, count) = numbers;
            let (invoked_ns, at_ns) = times;
            Entry::Produced(ProducedEntry {
                operation,
                attempt,
                connection,
                place,
                producer,
                acks,
                count,
                hash,
                invoked_ns,
                at_ns,
                outcome,
            })
        })
    }

    fn consumed() -> impl Strategy<Value = Entry> {
        let numbers = (0..1_u64 << 48, any::<u16>(), any::<u32>(), 0..1_u32 << 31);
        let offsets = (0..i64::MAX / 2, 0..u32::MAX - 1, proptest::option::of(0..u32::MAX - 1));
        let rest = (producer(), any::<Option<u64>>(), 0..1_u64 << 48, any::<[bool; 3]>());
        (numbers, offsets, rest).prop_map(|(numbers, offsets, (producer, hash, at_ns, flags))| {
            let (poll, connection, place, count) = numbers;
            let (base, last_delta, mark_delta) = offsets;
            let [control, transactional, sought] = flags;
            Entry::Consumed(ConsumedEntry {
                poll,
                connection,
                place,
                producer,
                count,
                hash,
                base_offset: Offset(base),
                last_offset: Offset(base).after(last_delta),
                high_watermark: mark_delta.map(|delta| Offset(base).after(delta)),
                at_ns,
                control,
                transactional,
                sought,
            })
        })
    }

    pub(in super::super) fn entry() -> impl Strategy<Value = Entry> {
        prop_oneof![produced(), consumed()]
    }

    proptest! {
        #[test]
        fn an_entry_survives_its_bytes(entry in entry()) {
            prop_assert_eq!(Entry::decode(&entry.encode()), Some(entry));
        }

        #[test]
        fn any_bytes_are_an_entry_or_none(bytes in any::<[u8; 32]>(), kind in 0_u8..5) {
            let mut entry = [0; ENTRY_BYTES];
            entry[..32].copy_from_slice(&bytes);
            entry[32..].copy_from_slice(&bytes);
            entry[0] = kind;
            if let Some(entry) = Entry::decode(&entry) {
                let again = Entry::decode(&entry.encode());
                prop_assert_eq!(again, Some(entry));
            }
        }
    }

    #[test]
    fn the_layout_is_the_documented_one() {
        let producer =
            BatchProducer { id: ProducerId(0x0807), epoch: ProducerEpoch(2), base_sequence: 3 };
        let entry = Entry::Produced(ProducedEntry {
            operation: 0x11,
            attempt: 0x12,
            connection: 0x13,
            place: 0x14,
            producer: Some(producer),
            acks: -1,
            count: 0x15,
            hash: Some(0x16),
            invoked_ns: 0x17,
            at_ns: 0x18,
            outcome: ProducedOutcome::Acked { base_offset: Some(Offset(0x19)) },
        });
        let bytes = entry.encode();
        let set: Vec<_> = bytes.iter().enumerate().filter(|(_, byte)| **byte != 0).collect();
        let expected = [
            (0, 1),
            (1, 0x88),
            (2, 0x13),
            (4, 0x14),
            (8, 7),
            (9, 8),
            (16, 2),
            (18, 3),
            (22, 0x15),
            (26, 0x19),
            (34, 0x16),
            (42, 0x18),
            (48, 0x11),
            (54, 0x17),
            (60, 0x12),
        ];
        assert_eq!(set, expected.iter().map(|(at, byte)| (*at, byte)).collect::<Vec<_>>());
    }
}
