//! Latencies by the moment at which their records were due, in blocks of 100 ms.
//!
//! Blocks tell a run that is always a little slow from one that stalls once: both can have the same
//! percentile. A block keeps only the bins that it filled; the few that are being filled are open,
//! with all bins at hand, so that recording a sample is one add.

use reports::Percentile;

use crate::bins::{BIN_COUNT, Bins, bin_of};

/// Length of a block.
pub const BLOCK_NS: u64 = 100_000_000;

/// Blocks that are filled at the same time without being packed in between.
const OPEN_MAX: usize = 4;

/// (bin, count), ascending.
type Packed = Vec<(u32, u32)>;

/// See the module.
pub struct Timeline {
    blocks: Vec<Packed>,
    /// Most recently used last.
    open: Vec<Open>,
    max_us: u64,
}

struct Open {
    block: usize,
    counts: Box<[u32; BIN_COUNT]>,
    /// Filled bins lie in here.
    low: usize,
    high: usize,
}

impl Open {
    fn new() -> Self {
        let counts = vec![0; BIN_COUNT].into_boxed_slice();
        let counts = counts.try_into().expect("as many bins as asked for");
        Self { block: 0, counts, low: BIN_COUNT, high: 0 }
    }

    fn add(&mut self, bin: usize, count: u32) {
        self.counts[bin] += count;
        self.low = self.low.min(bin);
        self.high = self.high.max(bin + 1);
    }

    /// Takes the counts out and leaves it empty.
    fn pack(&mut self) -> Packed {
        let mut packed = Packed::new();
        for bin in self.low..self.high {
            let count = core::mem::take(&mut self.counts[bin]);
            if count > 0 {
                packed.push((u32::try_from(bin).expect("fewer than 2^32 bins"), count));
            }
        }
        (self.low, self.high) = (BIN_COUNT, 0);
        packed
    }
}

impl Timeline {
    /// A timeline of `length_ns`; later samples count in the last block.
    #[must_use]
    pub fn new(length_ns: u64) -> Self {
        let count = usize::try_from(length_ns.div_ceil(BLOCK_NS).max(1)).expect("a run of days");
        Self { blocks: vec![Packed::new(); count], open: Vec::new(), max_us: 0 }
    }

    #[must_use]
    pub fn block_count(&self) -> usize {
        self.blocks.len()
    }

    /// Where to record samples that were due at `due_ns` after the start of the window, and until
    /// which due time.
    #[inline]
    pub fn block_at(&mut self, due_ns: u64) -> (BlockWriter<'_>, u64) {
        let number = due_ns / BLOCK_NS;
        let block = usize::try_from(number).unwrap_or(usize::MAX).min(self.blocks.len() - 1);
        let at = self.open_block(block);
        (
            BlockWriter { open: &mut self.open[at], max_us: &mut self.max_us },
            (number + 1) * BLOCK_NS,
        )
    }

    fn open_block(&mut self, block: usize) -> usize {
        if let Some(at) = self.open.iter().rposition(|open| open.block == block) {
            return at;
        }
        let mut open = if self.open.len() < OPEN_MAX {
            Open::new()
        } else {
            let mut oldest = self.open.remove(0);
            let packed = oldest.pack();
            merge(&mut self.blocks[oldest.block], &packed);
            oldest
        };
        open.block = block;
        self.open.push(open);
        self.open.len() - 1
    }

    /// Packs what is open; readers need this first.
    pub fn pack(&mut self) {
        for mut open in self.open.drain(..) {
            let packed = open.pack();
            merge(&mut self.blocks[open.block], &packed);
        }
    }

    /// All samples, or those of some blocks. Only what is packed.
    #[must_use]
    pub fn total(&self, blocks: core::ops::Range<usize>) -> Bins {
        let mut total = Bins::default();
        for (bin, count) in self.blocks[blocks.clone()].iter().flatten() {
            total.add_bin(*bin as usize, u64::from(*count));
        }
        if blocks == (0..self.blocks.len()) {
            total.note_max(self.max_us);
        }
        total
    }

    /// Filled bins of one block. Only what is packed.
    #[must_use]
    pub fn block(&self, block: usize) -> &[(u32, u32)] {
        &self.blocks[block]
    }

    /// Blocks that hold a sample beyond the percentile of the whole.
    #[must_use]
    pub fn episodes(&self, total: &Bins, percentile: Percentile) -> u64 {
        total.quantile_bin(percentile.quantile).map_or(0, |limit| self.blocks_beyond(limit))
    }

    fn blocks_beyond(&self, bin: usize) -> u64 {
        let beyond = |block: &&Packed| block.last().is_some_and(|(last, _)| *last as usize > bin);
        self.blocks.iter().filter(beyond).count() as u64
    }

    /// Samples beyond a bin in each second of the window.
    #[must_use]
    pub fn beyond_per_second(&self, bin: usize) -> Vec<u64> {
        let beyond = |block: &Packed| -> u64 {
            let tail = block.iter().filter(|(at, _)| *at as usize > bin);
            tail.map(|(_, count)| u64::from(*count)).sum()
        };
        self.blocks.chunks(10).map(|second| second.iter().map(beyond).sum()).collect()
    }
}

/// One open block.
pub struct BlockWriter<'a> {
    open: &'a mut Open,
    max_us: &'a mut u64,
}

impl BlockWriter<'_> {
    #[inline]
    pub fn record(&mut self, value_us: u64) {
        self.open.add(bin_of(value_us), 1);
        *self.max_us = (*self.max_us).max(value_us);
    }
}

fn merge(into: &mut Packed, more: &Packed) {
    if into.is_empty() {
        into.clone_from(more);
        return;
    }
    for (bin, count) in more {
        match into.binary_search_by_key(bin, |(at, _)| *at) {
            Ok(at) => into[at].1 += count,
            Err(at) => into.insert(at, (*bin, *count)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reports::PERCENTILES;

    const MS: u64 = 1_000_000;
    const P99: Percentile = PERCENTILES[2];

    fn record(timeline: &mut Timeline, due_ns: u64, value_us: u64) {
        timeline.block_at(due_ns).0.record(value_us);
    }

    #[test]
    fn samples_land_in_the_block_in_which_they_were_due() {
        let mut timeline = Timeline::new(1_000 * MS);
        for block in [0, 9, 1, 8, 2, 7, 0, 9] {
            record(&mut timeline, block * 100 * MS, 100 + block);
        }
        record(&mut timeline, 5_000 * MS, 7);
        timeline.pack();
        assert_eq!(timeline.block(0), [(100, 2)]);
        assert_eq!(timeline.block(9), [(7, 1), (109, 2)]);
        assert_eq!(timeline.total(0..10).count(), 9);
        assert_eq!(timeline.total(1..3).count(), 2);
    }

    #[test]
    fn one_stall_is_one_episode_and_a_steady_tail_is_many() {
        let mut stalled = Timeline::new(10_000 * MS);
        let mut steady = Timeline::new(10_000 * MS);
        for sample in 0..10_000 {
            let due_ns = sample * MS;
            record(
                &mut stalled,
                due_ns,
                if (5_000..5_099).contains(&sample) { 50_000 } else { 200 },
            );
            record(&mut steady, due_ns, if sample % 101 == 0 { 50_000 } else { 200 });
        }
        let episodes = |timeline: &mut Timeline| {
            timeline.pack();
            timeline.episodes(&timeline.total(0..100), P99)
        };
        assert_eq!(episodes(&mut stalled), 1);
        assert!(episodes(&mut steady) > 90);
    }
}
