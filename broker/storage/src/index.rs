//! The sparse indexes of one segment, in Kafka's file formats.
//!
//! ```text
//! .index      4 relative offset of a batch's last record, 4 position where that batch begins
//! .timeindex  8 largest timestamp so far, 4 relative offset of the batch that has it
//! ```
//!
//! Promises: entries ascend; a damaged or zero-padded tail of a file is ignored, since a missing entry only makes a
//! search longer.
//! Does not: cover the first `index.interval.bytes` of a segment, so a search may begin at position 0.

const OFFSET_ENTRY_BYTES: usize = 8;
const TIME_ENTRY_BYTES: usize = 12;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OffsetEntry {
    /// Of the batch's last record, relative to the segment's base.
    pub(crate) last_delta: u32,
    pub(crate) position: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimeEntry {
    pub(crate) timestamp_ms: i64,
    pub(crate) last_delta: u32,
}

/// Both indexes; they get their entries at the same moments.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Indexes {
    offsets: Vec<OffsetEntry>,
    times: Vec<TimeEntry>,
}

/// Entries of both indexes, counted from the first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct EntryCounts {
    pub(crate) offsets: usize,
    pub(crate) times: usize,
}

impl EntryCounts {
    /// Where the next entry lies in each file.
    pub(crate) fn sizes_bytes(self) -> (u64, u64) {
        let (offsets, times) = (self.offsets * OFFSET_ENTRY_BYTES, self.times * TIME_ENTRY_BYTES);
        (offsets as u64, times as u64)
    }
}

impl Indexes {
    pub(crate) fn decode(offsets: &[u8], times: &[u8]) -> Self {
        let mut indexes = Self::default();
        for bytes in offsets.as_chunks::<OFFSET_ENTRY_BYTES>().0 {
            let (delta, position) = bytes.split_at(4);
            let entry = OffsetEntry { last_delta: number(delta), position: number(position) };
            let ascends = indexes.offsets.last().is_none_or(|last| {
                last.last_delta < entry.last_delta && last.position < entry.position
            });
            if !ascends || entry.position == 0 {
                break;
            }
            indexes.offsets.push(entry);
        }
        for bytes in times.as_chunks::<TIME_ENTRY_BYTES>().0 {
            let (high, rest) = bytes.split_at(4);
            let (low, delta) = rest.split_at(4);
            let timestamp_ms = (i64::from(number(high)) << 32) | i64::from(number(low));
            let entry = TimeEntry { timestamp_ms, last_delta: number(delta) };
            let ascends = indexes.times.last().is_none_or(|last| {
                last.timestamp_ms < entry.timestamp_ms && last.last_delta <= entry.last_delta
            });
            if !ascends {
                break;
            }
            indexes.times.push(entry);
        }
        indexes
    }

    /// Contents of the two files.
    pub(crate) fn encode(&self) -> (Vec<u8>, Vec<u8>) {
        self.encode_range(EntryCounts::default(), self.counts())
    }

    /// A part of both files.
    pub(crate) fn encode_range(&self, from: EntryCounts, to: EntryCounts) -> (Vec<u8>, Vec<u8>) {
        let offsets = self.offsets[from.offsets..to.offsets]
            .iter()
            .map(|entry| [entry.last_delta.to_be_bytes(), entry.position.to_be_bytes()]);
        let times = self.times[from.times..to.times].iter().map(|entry| {
            let [a, b, c, d, e, f, g, h] = entry.timestamp_ms.to_be_bytes();
            [[a, b, c, d], [e, f, g, h], entry.last_delta.to_be_bytes()]
        });
        // Fixed pieces instead of an iterator over bytes: a full segment has megabytes of entries.
        let offsets: Vec<[[u8; 4]; 2]> = offsets.collect();
        let times: Vec<[[u8; 4]; 3]> = times.collect();
        (offsets.into_flattened().into_flattened(), times.into_flattened().into_flattened())
    }

    pub(crate) fn counts(&self) -> EntryCounts {
        EntryCounts { offsets: self.offsets.len(), times: self.times.len() }
    }

    /// Entries about batches that end below `delta`.
    pub(crate) fn counts_below(&self, delta: u32) -> EntryCounts {
        EntryCounts {
            offsets: self.offsets.partition_point(|entry| entry.last_delta < delta),
            times: self.times.partition_point(|entry| entry.last_delta < delta),
        }
    }

    /// Whether these are the entries of `other`, and perhaps more.
    pub(crate) fn continues(&self, other: &Self) -> bool {
        self.offsets.starts_with(&other.offsets) && self.times.starts_with(&other.times)
    }

    /// The last entry whose batch ends below `delta` and begins before `size_bytes`, and the indexes as they were
    /// when that batch was noted.
    pub(crate) fn up_to(&self, delta: u32, size_bytes: u64) -> Option<(OffsetEntry, Self)> {
        let entry = self
            .offsets
            .iter()
            .rev()
            .find(|entry| entry.last_delta < delta && u64::from(entry.position) < size_bytes)?;
        let mut kept = self.clone();
        kept.truncate(size_bytes, entry.last_delta + 1);
        Some((*entry, kept))
    }

    pub(crate) fn push_offset(&mut self, entry: OffsetEntry) {
        self.offsets.push(entry);
    }

    /// Ignored unless the timestamp is new.
    pub(crate) fn push_time(&mut self, entry: TimeEntry) {
        if self.times.last().is_none_or(|last| last.timestamp_ms < entry.timestamp_ms) {
            self.times.push(entry);
        }
    }

    /// Bytes of the larger file, for `segment.index.bytes`.
    pub(crate) fn size_bytes(&self) -> usize {
        (self.offsets.len() * OFFSET_ENTRY_BYTES).max(self.times.len() * TIME_ENTRY_BYTES)
    }

    /// A position at or before the batch that holds the record; the start of a batch.
    pub(crate) fn position_before(&self, delta: u32) -> u32 {
        let after = self.offsets.partition_point(|entry| entry.last_delta < delta);
        // The entry at `after` ends at or past the record, but the batch before it may hold it too.
        after.checked_sub(1).map_or(0, |at| self.offsets[at].position)
    }

    /// The last indexed batch start in `(after, until]` whose batch begins no later than `delta`.
    pub(crate) fn boundary(&self, after: u64, until: u64, delta: u32) -> Option<u64> {
        let within = self.offsets.partition_point(|entry| {
            u64::from(entry.position) <= until && entry.last_delta < delta
        });
        let position = u64::from(self.offsets.get(within.checked_sub(1)?)?.position);
        (position > after).then_some(position)
    }

    /// Every record before this one is older than `timestamp_ms`.
    pub(crate) fn delta_before_time(&self, timestamp_ms: i64) -> u32 {
        let after = self.times.partition_point(|entry| entry.timestamp_ms < timestamp_ms);
        after.checked_sub(1).map_or(0, |at| self.times[at].last_delta)
    }

    /// The largest timestamp of all batches that begin at or before the indexed one that ends last below `delta`,
    /// and where that one begins.
    pub(crate) fn max_time_below(&self, delta: u32) -> Option<(i64, u32)> {
        let indexed = self.offsets.partition_point(|entry| entry.last_delta < delta);
        let entry = self.offsets[indexed.checked_sub(1)?];
        let noted = self.times.partition_point(|time| time.last_delta <= entry.last_delta);
        let time = self.times[noted.checked_sub(1)?];
        Some((time.timestamp_ms, entry.position))
    }

    pub(crate) fn last_time_entry(&self) -> Option<TimeEntry> {
        self.times.last().copied()
    }

    /// Forgets what lies at or past the new end of a cut segment.
    pub(crate) fn truncate(&mut self, size_bytes: u64, delta: u32) {
        self.offsets
            .retain(|entry| u64::from(entry.position) < size_bytes && entry.last_delta < delta);
        self.times.retain(|entry| entry.last_delta < delta);
    }
}

fn number(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |value, byte| (value << 8) | u32::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Indexes {
        let mut indexes = Indexes::default();
        for (last_delta, position) in [(9, 4_000), (19, 8_000), (29, 12_000)] {
            indexes.push_offset(OffsetEntry { last_delta, position });
            let timestamp_ms = i64::from(last_delta) * 1_000_000_000_000;
            indexes.push_time(TimeEntry { timestamp_ms, last_delta });
        }
        indexes
    }

    #[test]
    fn the_files_round_trip_and_a_zero_tail_is_ignored() {
        let (mut offsets, mut times) = sample().encode();
        assert_eq!(Indexes::decode(&offsets, &times), sample());
        offsets.resize(offsets.len() + 64, 0);
        times.resize(times.len() + 64, 0);
        assert_eq!(Indexes::decode(&offsets, &times), sample());
        assert_eq!(Indexes::decode(&[0; 80], &[]), Indexes::default());
    }

    #[test]
    fn a_search_never_begins_after_the_record() {
        let indexes = sample();
        assert_eq!(indexes.position_before(0), 0);
        assert_eq!(indexes.position_before(9), 0);
        assert_eq!(indexes.position_before(10), 4_000);
        assert_eq!(indexes.position_before(500), 12_000);
    }

    #[test]
    fn a_scan_may_begin_at_the_last_entry_below_what_is_asked() {
        let indexes = sample();
        let begins = |delta, size_bytes| {
            indexes.up_to(delta, size_bytes).map(|(entry, kept)| (entry.position, kept.counts()))
        };
        let counts = |count| EntryCounts { offsets: count, times: count };
        assert_eq!(begins(9, 99_000), None);
        assert_eq!(begins(10, 99_000), Some((4_000, counts(1))));
        assert_eq!(begins(u32::MAX, 99_000), Some((12_000, counts(3))));
        assert_eq!(begins(u32::MAX, 12_000), Some((8_000, counts(2))), "the file was cut");
        let (_, kept) = indexes.up_to(20, 99_000).unwrap();
        assert!(indexes.continues(&kept) && !kept.continues(&indexes));
        let whole = indexes.encode();
        let (offsets, times) = indexes.encode_range(kept.counts(), indexes.counts());
        let (offsets_at, times_at) = kept.counts().sizes_bytes();
        assert_eq!(whole.0[usize::try_from(offsets_at).unwrap()..], offsets);
        assert_eq!(whole.1[usize::try_from(times_at).unwrap()..], times);
    }

    #[test]
    fn a_boundary_lies_after_the_start_and_within_the_budget() {
        let indexes = sample();
        assert_eq!(indexes.boundary(0, 9_000, u32::MAX), Some(8_000));
        assert_eq!(indexes.boundary(8_000, 9_000, u32::MAX), None);
        assert_eq!(indexes.boundary(0, 20_000, 20), Some(8_000));
    }
}
