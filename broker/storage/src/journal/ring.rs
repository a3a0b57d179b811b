//! Which part of the journal file is in use. Pure arithmetic.
//!
//! Promises: two live commits never overlap, also while the ring grows; a commit is never split over the end.

use std::collections::VecDeque;

use super::BLOCK_BYTES;

/// One written commit and the space it holds.
#[derive(Debug)]
struct Live<T> {
    sequence: u64,
    at: u64,
    /// With the part of the file's end that was skipped before it.
    held_bytes: u64,
    owner: T,
}

/// `T` is what must be safe elsewhere before the commit's space is free.
#[derive(Debug)]
pub(super) struct Ring<T> {
    /// What commits may use, superblock included.
    size_bytes: u64,
    /// How far the file is prepared; at least `size_bytes`, which follows as soon as no commit has wrapped.
    prepared_bytes: u64,
    /// Where the next commit would begin.
    head: u64,
    live: VecDeque<Live<T>>,
    held_bytes: u64,
    next_sequence: u64,
}

impl<T> Ring<T> {
    pub(super) fn new(size_bytes: u64) -> Self {
        assert!(size_bytes.is_multiple_of(BLOCK_BYTES as u64), "journal size {size_bytes}");
        let head = BLOCK_BYTES as u64;
        let live = VecDeque::new();
        Self { size_bytes, prepared_bytes: size_bytes, head, live, held_bytes: 0, next_sequence: 1 }
    }

    /// The file is prepared up to here.
    pub(super) fn grow(&mut self, prepared_bytes: u64) {
        assert!(prepared_bytes >= self.prepared_bytes, "a ring does not shrink");
        assert!(prepared_bytes.is_multiple_of(BLOCK_BYTES as u64), "size {prepared_bytes}");
        self.prepared_bytes = prepared_bytes;
        self.take_prepared();
    }

    /// While a commit has wrapped, its predecessors end where the ring did: the new space behind them would not
    /// follow the newest commit.
    fn take_prepared(&mut self) {
        if !self.has_wrapped() {
            self.size_bytes = self.prepared_bytes;
        }
    }

    fn usable_bytes(&self) -> u64 {
        self.size_bytes - BLOCK_BYTES as u64
    }

    /// Whether a commit of this size could ever fit.
    pub(super) fn can_hold(&self, bytes: u64) -> bool {
        bytes <= self.usable_bytes() / 2
    }

    /// Where a commit of this size would go, and what it would hold; `None` while older commits are in the way.
    fn place(&self, bytes: u64) -> Option<(u64, u64)> {
        let wraps = self.head + bytes > self.size_bytes;
        let skipped = if wraps { self.size_bytes - self.head } else { 0 };
        let at = if wraps { BLOCK_BYTES as u64 } else { self.head };
        let held = skipped + bytes;
        (self.held_bytes + held <= self.usable_bytes()).then_some((at, held))
    }

    pub(super) fn fits(&self, bytes: u64) -> bool {
        self.place(bytes).is_some()
    }

    /// Takes the space. Returns position and sequence of the commit.
    ///
    /// # Panics
    /// Unless [`Ring::fits`] says so.
    pub(super) fn reserve(&mut self, bytes: u64, owner: T) -> (u64, u64) {
        let (at, held_bytes) = self.place(bytes).expect("asked before");
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        self.head = at + bytes;
        self.held_bytes += held_bytes;
        self.live.push_back(Live { sequence, at, held_bytes, owner });
        (at, sequence)
    }

    /// Frees commits from the oldest on, as long as `safe` says so.
    pub(super) fn release(&mut self, mut safe: impl FnMut(&T) -> bool) {
        while self.live.front().is_some_and(|commit| safe(&commit.owner)) {
            let commit = self.live.pop_front().expect("looked at it");
            self.held_bytes -= commit.held_bytes;
        }
        self.take_prepared();
    }

    /// The oldest commit that a replay must still apply.
    pub(super) fn oldest_needed(&self) -> u64 {
        self.live.front().map_or(self.next_sequence, |commit| commit.sequence)
    }

    pub(super) fn oldest(&self) -> Option<&T> {
        self.live.front().map(|commit| &commit.owner)
    }

    /// Owners of the oldest commits, as many as hold the older half of what is held.
    pub(super) fn older_half(&self) -> impl Iterator<Item = &T> {
        let mut left = self.held_bytes.div_ceil(2);
        self.live.iter().map_while(move |commit| {
            if left == 0 {
                return None;
            }
            left = left.saturating_sub(commit.held_bytes);
            Some(&commit.owner)
        })
    }

    pub(super) fn is_half_full(&self) -> bool {
        self.held_bytes * 2 >= self.usable_bytes()
    }

    pub(super) fn has_wrapped(&self) -> bool {
        self.live.back().zip(self.live.front()).is_some_and(|(new, old)| new.at < old.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: u64 = BLOCK_BYTES as u64;

    #[test]
    fn space_is_reused_only_after_its_owner_is_safe() {
        let mut ring = Ring::new(5 * BLOCK);
        assert_eq!(ring.reserve(2 * BLOCK, 'a'), (BLOCK, 1));
        assert_eq!(ring.reserve(BLOCK, 'b'), (3 * BLOCK, 2));
        assert!(!ring.fits(2 * BLOCK), "it would skip one block and overwrite a");
        assert_eq!(ring.oldest_needed(), 1);
        ring.release(|owner| *owner == 'a');
        assert_eq!(ring.oldest_needed(), 2);
        assert_eq!(ring.reserve(2 * BLOCK, 'c'), (BLOCK, 3));
        assert!(ring.has_wrapped());
        assert!(!ring.fits(BLOCK));
        ring.release(|_| true);
        assert_eq!(ring.oldest_needed(), 4);
        assert_eq!(ring.reserve(BLOCK, 'd'), (3 * BLOCK, 4));
    }

    #[test]
    fn a_commit_that_fills_the_file_to_its_end_makes_the_next_begin_at_the_front() {
        let mut ring = Ring::new(5 * BLOCK);
        ring.reserve(2 * BLOCK, 'a');
        ring.reserve(2 * BLOCK, 'b');
        ring.release(|_| true);
        assert_eq!(ring.reserve(BLOCK, 'c'), (BLOCK, 3));
    }

    #[test]
    fn a_ring_that_has_wrapped_grows_only_after_the_commits_before_the_wrap_are_safe() {
        let mut ring = Ring::new(5 * BLOCK);
        ring.reserve(BLOCK, 'a');
        ring.reserve(2 * BLOCK, 'b');
        ring.release(|owner| *owner == 'a');
        ring.reserve(BLOCK, 'c');
        ring.release(|owner| *owner == 'b');
        ring.reserve(BLOCK, 'd');
        assert!(ring.has_wrapped());
        ring.grow(9 * BLOCK);
        assert!(!ring.fits(4 * BLOCK), "c lies where a ring of nine blocks would go on");
        ring.release(|owner| *owner == 'c');
        assert_eq!(ring.reserve(4 * BLOCK, 'e'), (2 * BLOCK, 5));
    }

    #[test]
    fn live_commits_never_overlap_whenever_the_ring_grows() {
        for seed in 0..200u64 {
            let mut dice = seed;
            let mut roll = |below: u64| {
                dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(99);
                (dice >> 33) % below
            };
            let mut ring = Ring::new(4 * BLOCK);
            let mut prepared = 4;
            let mut live: VecDeque<(u64, u64)> = VecDeque::new();
            for _ in 0..400 {
                let bytes = (1 + roll(3)) * BLOCK;
                if ring.fits(bytes) {
                    let at = ring.place(bytes).unwrap().0;
                    assert!(at >= BLOCK && at + bytes <= prepared * BLOCK, "seed {seed}");
                    let clashes = live.iter().any(|(from, end)| at < *end && *from < at + bytes);
                    assert!(!clashes, "seed {seed}: {at} in {live:?}");
                    ring.reserve(bytes, at);
                    live.push_back((at, at + bytes));
                }
                if roll(3) == 0
                    && let Some((oldest, _)) = live.pop_front()
                {
                    let mut once = true;
                    ring.release(|at| core::mem::take(&mut once) && *at == oldest);
                }
                if prepared < 24 && roll(6) == 0 {
                    prepared += 1 + roll(3);
                    ring.grow(prepared * BLOCK);
                }
            }
        }
    }

    #[test]
    fn the_older_half_names_who_stands_in_the_way() {
        let mut ring = Ring::new(9 * BLOCK);
        for owner in ['a', 'b', 'c', 'd'] {
            ring.reserve(BLOCK, owner);
        }
        assert!(ring.is_half_full());
        assert_eq!(ring.older_half().collect::<String>(), "ab");
    }
}
