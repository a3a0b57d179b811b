//! How far a percentile of this run could have fallen by chance alone.
//!
//! Circular block bootstrap over the 100 ms blocks of a timeline, with blocks of 1, 3 and 10 joined,
//! the widest shown. Neighbouring records are alike, so resampling single records would promise far
//! too much. The result says nothing about other runs.

use model::splitmix::hash;
use reports::PERCENTILES;
use std::collections::BTreeMap;

use crate::bins::{BIN_COUNT, quantile_bin, samples_beyond, value_of};
use crate::timeline::Timeline;

/// Fewer blocks or episodes than this give no interval.
const BLOCKS_MIN: usize = 100;
pub const EPISODES_MIN: u64 = 10;

/// Work for one interval: bins added up over all resamples.
const STEPS_MAX: usize = 200_000_000;
const RESAMPLES: usize = 200;
const RESAMPLES_MIN: usize = 40;

/// Per percentile field: a 95 % interval in microseconds. The timeline must be packed.
#[must_use]
pub fn intervals(timeline: &Timeline) -> BTreeMap<String, [u64; 2]> {
    let blocks = timeline.block_count();
    let total = timeline.total(0..blocks);
    let wanted: Vec<_> = PERCENTILES
        .iter()
        .filter(|percentile| samples_beyond(total.count(), percentile.quantile) >= EPISODES_MIN)
        .filter(|percentile| timeline.episodes(&total, **percentile) >= EPISODES_MIN)
        .collect();
    if blocks < BLOCKS_MIN || wanted.is_empty() {
        return BTreeMap::new();
    }
    let filled: usize = (0..blocks).map(|block| timeline.block(block).len()).sum();
    let resamples = (STEPS_MAX / filled.max(1)).clamp(RESAMPLES_MIN, RESAMPLES);
    let mut widest: BTreeMap<String, [u64; 2]> = BTreeMap::new();
    for joined in [1, 3, 10] {
        let mut drawn = vec![Vec::with_capacity(resamples); wanted.len()];
        for round in 0..resamples {
            let counts = resample(timeline, joined, round as u64);
            let total = counts.iter().sum();
            for (values, percentile) in drawn.iter_mut().zip(&wanted) {
                let filled = counts.iter().copied().enumerate().filter(|(_, count)| *count > 0);
                values.extend(quantile_bin(filled, total, percentile.quantile).map(value_of));
            }
        }
        for (mut values, percentile) in drawn.into_iter().zip(&wanted) {
            values.sort_unstable();
            let edge = values.len() / 40;
            let found = [values[edge], values[values.len() - 1 - edge]];
            let kept = widest.entry(percentile.field.to_owned()).or_insert(found);
            *kept = [kept[0].min(found[0]), kept[1].max(found[1])];
        }
    }
    widest
}

/// Counts per bin of one redraw: how often each block was drawn is its weight.
fn resample(timeline: &Timeline, joined: usize, round: u64) -> Vec<u64> {
    let blocks = timeline.block_count();
    let mut weights = vec![0_u64; blocks];
    for draw in 0..blocks.div_ceil(joined) {
        let random = hash((draw as u64) ^ hash(round ^ ((joined as u64) << 32)));
        let start = usize::try_from(random % blocks as u64).expect("less than the block count");
        let take = joined.min(blocks - draw * joined);
        for offset in 0..take {
            weights[(start + offset) % blocks] += 1;
        }
    }
    let mut counts = vec![0_u64; BIN_COUNT];
    for (block, weight) in weights.into_iter().enumerate().filter(|(_, weight)| *weight > 0) {
        for (bin, count) in timeline.block(block) {
            counts[*bin as usize] += weight * u64::from(*count);
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeline(blocks: u64) -> Timeline {
        let mut timeline = Timeline::new(blocks * 100_000_000);
        for sample in 0..blocks * 100 {
            let spread = hash(sample) % 1_000;
            timeline.block_at(sample * 1_000_000).0.record(500 + spread);
        }
        timeline.pack();
        timeline
    }

    #[test]
    fn the_interval_holds_the_percentile_and_repeats() {
        let timeline = timeline(200);
        let found = intervals(&timeline);
        let [low, high] = found["p50_us"];
        assert!(low <= 1_000 && 1_000 <= high && high - low < 60, "{low} to {high}");
        assert_eq!(found, intervals(&timeline));
        assert!(!found.contains_key("p9999_us"), "two samples beyond say nothing");
    }

    #[test]
    fn a_short_run_has_no_interval() {
        assert!(intervals(&timeline(99)).is_empty());
    }
}
