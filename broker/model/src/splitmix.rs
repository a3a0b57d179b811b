//! SplitMix64: 64 bits in, 64 well-mixed bits out.
//!
//! Promises: fixed functions, the same on every machine and in every release; recorded seeds, trace
//! hashes and golden values rest on them. Does not: hold state, serve cryptography or resist chosen
//! input.
//! Source: Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators" (OOPSLA 2014), with
//! the constants of Java's `SplittableRandom`.

/// What the state of the generator grows by, wrapping, with each output: 2⁶⁴ divided by the golden
/// ratio, made odd, so that the state visits every value.
pub const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// The finaliser: a bijection in which every input bit changes about half of the output bits. It
/// maps 0 to 0; where that would show, [`hash`] is the one to use.
#[inline]
#[must_use]
pub fn mix(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

/// The next output of the generator with this state, which moves on. A seed is the first state.
#[inline]
pub fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(GAMMA);
    mix(*state)
}

/// The first output of the generator with the seed `word`, for draws that keep no state.
#[inline]
#[must_use]
pub fn hash(word: u64) -> u64 {
    mix(word.wrapping_add(GAMMA))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seed_0_gives_the_published_sequence() {
        let mut state = 0;
        let outputs = [next(&mut state), next(&mut state), next(&mut state)];
        assert_eq!(outputs, [0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4, 0x06c4_5d18_8009_454f]);
    }

    #[test]
    fn seed_1234567_gives_the_published_sequence() {
        let mut state = 1_234_567;
        let outputs = [next(&mut state), next(&mut state), next(&mut state)];
        let published =
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!(outputs, published);
    }

    #[test]
    fn a_hash_is_the_first_output_of_its_word() {
        for word in [0, 1, GAMMA, u64::MAX] {
            assert_eq!(hash(word), next(&mut { word }));
        }
    }
}
