//! Which partition a key belongs to.
//!
//! Promises: the same partition that Kafka's own producer chooses, so that records of one key written by both stay in
//! one partition and in order.
//! Source: `BuiltInPartitioner.partitionForKey`: MurmurHash2 (A. Appleby) with a fixed seed, its sign bit cleared.

use model::PartitionIndex;

/// The partition of a key among `partition_count` of them.
///
/// # Panics
/// When there is no partition.
#[must_use]
pub fn partition_of_key(key: &[u8], partition_count: u32) -> PartitionIndex {
    assert!(partition_count > 0, "a topic has at least one partition");
    let at = (murmur2(key) & 0x7fff_ffff) % partition_count;
    PartitionIndex(i32::try_from(at).expect("31 bits"))
}

const SEED: u32 = 0x9747_b28c;
const MIX: u32 = 0x5bd1_e995;

fn murmur2(data: &[u8]) -> u32 {
    // The hash takes the length modulo 2^32; no record is that long.
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
    let mut hash = SEED ^ length;
    let mut words = data.chunks_exact(4);
    for word in &mut words {
        let mut word = u32::from_le_bytes(word.try_into().expect("chunks of four"));
        word = word.wrapping_mul(MIX);
        word ^= word >> 24;
        word = word.wrapping_mul(MIX);
        hash = hash.wrapping_mul(MIX) ^ word;
    }
    let rest = words.remainder();
    if !rest.is_empty() {
        let tail = rest.iter().rev().fold(0, |sum, byte| sum << 8 | u32::from(*byte));
        hash = (hash ^ tail).wrapping_mul(MIX);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(MIX);
    hash ^ hash >> 15
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of Kafka's `UtilsTest.testMurmur2`.
    #[test]
    fn the_hash_is_kafkas() {
        for (key, hash) in [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
        ] {
            assert_eq!(murmur2(key.as_bytes()).cast_signed(), hash, "{key}");
        }
    }

    #[test]
    fn a_key_stays_in_its_partition() {
        assert_eq!(partition_of_key(b"foobar", 1), PartitionIndex(0));
        let first = partition_of_key(b"foobar", 12);
        assert_eq!(partition_of_key(b"foobar", 12), first);
        assert!(first.0 < 12);
    }
}
