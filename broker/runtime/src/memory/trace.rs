//! What happened, folded into one number: two runs are the same run when their hashes agree.
//!
//! Promises: depends on nothing but the events: no addresses, no map order, no real time. Bytes
//! that are written or delivered go in by content, so that a random order inside a response shows.
//! The hash is kept at every 4,096th event, so that the first interval in which two runs differ can
//! be found and run again with its events kept.
//! Does not: keep events unasked, but for the last few, which a failing test prints.

mod export;
mod fold;

use core::fmt;
use core::ops::Range;
use model::Instant;
use model::splitmix::mix;
use std::collections::BTreeMap;

use crate::memory::NodeIndex;

pub use export::TraceFormat;
pub(super) use fold::Fold;

/// What happened. The numbers are part of every recorded hash.
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
    /// A test changed a machine, a clock or a link.
    Change = 22,
    /// A packet got lost; it will be sent again.
    Lost = 23,
    /// A packet is inside a clogged link.
    Held = 24,
    /// A dead process asked for something.
    Late = 25,
    /// A part of an append is seen before its end.
    DiskEarly = 40,
    DiskDamage = 41,
}

/// One event: when, on which node and core, what, and three words that depend on the kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) at: Instant,
    pub(super) node: u32,
    /// The core whose task did it; `CORE_NONE` for what machines and networks do of themselves.
    pub(super) core: u16,
    pub(super) kind: Kind,
    pub(super) words: [u64; 3],
}

pub(super) const CORE_NONE: u16 = u16::MAX;

impl Record {
    const EMPTY: Self =
        Self { at: Instant(0), node: 0, core: CORE_NONE, kind: Kind::Boot, words: [0; 3] };
}

/// The hash of all events before one; see [`first_difference`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    /// Events so far, a multiple of [`CHECKPOINT_EVENTS`].
    pub event_count: u64,
    pub at: Instant,
    pub hash: u64,
}

/// Events between two checkpoints.
pub const CHECKPOINT_EVENTS: u64 = 4_096;

/// The events among which two runs of one seed first differ: give them to `World::keep_trace` of
/// another run. `None` when one list begins with the other.
#[must_use]
pub fn first_difference(one: &[Checkpoint], other: &[Checkpoint]) -> Option<Range<u64>> {
    let (differing, _) = one.iter().zip(other).find(|(one, other)| one != other)?;
    Some(differing.event_count - CHECKPOINT_EVENTS..differing.event_count)
}

/// Events that are kept for a failing test.
const KEPT: usize = 256;

pub(super) struct Trace {
    hash: u64,
    count: u64,
    /// A ring.
    last: Box<[Record; KEPT]>,
    checkpoints: Vec<Checkpoint>,
    /// Which events are kept for an export.
    wanted: Range<u64>,
    kept: Vec<Record>,
    /// Texts of the words that stand for one.
    names: BTreeMap<u64, &'static str>,
}

impl Default for Trace {
    fn default() -> Self {
        Self {
            hash: 0,
            count: 0,
            last: Box::new([Record::EMPTY; KEPT]),
            checkpoints: Vec::new(),
            wanted: 0..0,
            kept: Vec::new(),
            names: BTreeMap::new(),
        }
    }
}

impl Trace {
    #[expect(clippy::cast_possible_truncation, reason = "a place in a ring")]
    pub(super) fn record(&mut self, record: Record) {
        let Record { at, node, core, kind, words } = record;
        let place = u64::from(node) << 32 | u64::from(core) << 16 | kind as u64;
        let [one, two, three] = words;
        // Four independent products, then one chain: cheap, and every word counts by its place.
        let sum = (at.0.wrapping_mul(0x9e37_79b9_7f4a_7c15))
            .wrapping_add(place.wrapping_mul(0xc2b2_ae3d_27d4_eb4f))
            .wrapping_add((one ^ one >> 29).wrapping_mul(0x1656_67b1_9e37_79f9))
            .wrapping_add((two ^ two >> 31).wrapping_mul(0x27d4_eb2f_1656_67c5))
            .wrapping_add((three ^ three >> 30).wrapping_mul(0xd6e8_feb8_6659_fd93));
        self.hash = mix(self.hash.rotate_left(17) ^ sum);
        if self.wanted.contains(&self.count) {
            self.kept.push(record);
        }
        self.last[self.count as usize % KEPT] = record;
        self.count += 1;
        if self.count.is_multiple_of(CHECKPOINT_EVENTS) {
            self.checkpoints.push(Checkpoint { event_count: self.count, at, hash: self.hash });
        }
    }

    /// Remembers the text that a word of some records stands for.
    pub(super) fn name(&mut self, word: u64, text: &'static str) {
        self.names.insert(word, text);
    }

    pub(super) fn hash(&self) -> u64 {
        mix(self.hash ^ self.count)
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn checkpoints(&self) -> &[Checkpoint] {
        &self.checkpoints
    }

    /// Keeps the events with these numbers from now on.
    pub(super) fn keep(&mut self, events: Range<u64>) {
        self.wanted = events;
    }

    pub(super) fn last(
        &self,
        name: impl Fn(NodeIndex) -> String,
    ) -> impl Iterator<Item = impl fmt::Display> {
        let first = self.count.saturating_sub(KEPT as u64);
        (first..self.count).map(move |event| {
            let place = usize::try_from(event % KEPT as u64).expect("below 256");
            let record = self.last[place];
            let machine = usize::try_from(record.node).expect("few machines");
            export::Line { record, machine: name(NodeIndex(machine)), names: &self.names }
        })
    }

    pub(super) fn export(&self, format: TraceFormat) -> String {
        export::export(&self.kept, &self.names, format)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(at: u64, kind: Kind, word: u64) -> Record {
        Record { at: Instant(at), node: 1, core: 0, kind, words: [word, 0, 0] }
    }

    fn hash(order: &[Record]) -> u64 {
        let mut trace = Trace::default();
        order.iter().for_each(|record| trace.record(*record));
        trace.hash()
    }

    #[test]
    fn order_and_every_part_of_an_event_change_the_hash() {
        let (poll, timer) = (record(1, Kind::Poll, 1), record(1, Kind::Timer, 2));
        let one = hash(&[poll, timer]);
        assert_eq!(one, hash(&[poll, timer]));
        assert_ne!(one, hash(&[timer, poll]));
        let others = [
            record(2, Kind::Poll, 1),
            record(1, Kind::Read, 1),
            record(1, Kind::Poll, 3),
            Record { node: 2, ..poll },
            Record { core: 1, ..poll },
            Record { words: [1, 1, 0], ..poll },
            Record { words: [1, 0, 1], ..poll },
        ];
        for other in others {
            assert_ne!(one, hash(&[other, timer]), "{other:?}");
        }
    }

    #[test]
    fn the_first_interval_that_differs_is_found_and_kept_on_request() {
        let run = |odd: u64, keep: Range<u64>| {
            let mut trace = Trace::default();
            trace.keep(keep);
            for event in 0..5 * CHECKPOINT_EVENTS {
                trace.record(record(event, Kind::Poll, u64::from(event == odd)));
            }
            trace
        };
        let (one, other) = (run(u64::MAX, 0..0), run(9_000, 0..0));
        let interval = first_difference(one.checkpoints(), other.checkpoints()).unwrap();
        assert_eq!(interval, 8_192..12_288);
        assert_eq!(first_difference(one.checkpoints(), one.checkpoints()), None);
        let (one, other) = (run(u64::MAX, interval.clone()), run(9_000, interval));
        let differing: Vec<u64> = (one.kept.iter().zip(&other.kept))
            .filter(|(one, other)| one != other)
            .map(|(one, _)| one.at.0)
            .collect();
        assert_eq!((one.kept.len(), differing), (4_096, vec![9_000]));
    }
}
