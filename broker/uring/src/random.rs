//! Randomness of one shard: xoshiro256++ (Blackman and Vigna), one stream per purpose, each seeded by the kernel.

use runtime::Purpose;

use crate::sys::{self, Sys};

const PURPOSES: usize = 7;

pub(crate) struct Random([[u64; 4]; PURPOSES]);

impl Random {
    pub(crate) fn new() -> Sys<Self> {
        let mut streams = [[0; 4]; PURPOSES];
        for stream in &mut streams {
            // The generator never leaves the all-zero state.
            while *stream == [0; 4] {
                *stream = sys::entropy()?;
            }
        }
        Ok(Self(streams))
    }

    pub(crate) fn next(&mut self, purpose: Purpose) -> u64 {
        let state = &mut self.0[match purpose {
            Purpose::ClusterId => 0,
            Purpose::DirectoryId => 1,
            Purpose::TopicId => 2,
            Purpose::FetchSessionId => 3,
            Purpose::Jitter => 4,
            Purpose::Workload => 5,
            Purpose::MemberId => 6,
        }];
        let result = state[0].wrapping_add(state[3]).rotate_left(23).wrapping_add(state[0]);
        let shifted = state[1] << 17;
        state[2] ^= state[0];
        state[3] ^= state[1];
        state[1] ^= state[2];
        state[0] ^= state[3];
        state[2] ^= shifted;
        state[3] = state[3].rotate_left(45);
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_matches_its_published_sequence() {
        let mut random = Random([[1, 2, 3, 4]; PURPOSES]);
        let drawn: Vec<u64> = (0..3).map(|_| random.next(Purpose::Jitter)).collect();
        assert_eq!(drawn, [41_943_041, 58_720_359, 3_588_806_011_781_223]);
        assert_eq!(random.next(Purpose::Workload), 41_943_041, "streams are independent");
    }
}
