//! The content of some bytes as one word.

use model::splitmix::mix;

/// Folds bytes, whatever pieces they come in.
#[derive(Default)]
pub(in crate::memory) struct Fold {
    hash: u64,
    pending: u64,
    len: u64,
}

impl Fold {
    pub(in crate::memory) fn bytes(bytes: &[u8]) -> u64 {
        let mut fold = Self::default();
        fold.add(bytes);
        fold.finish()
    }

    pub(in crate::memory) fn add(&mut self, mut bytes: &[u8]) {
        while !self.len.is_multiple_of(8) {
            let Some((first, rest)) = bytes.split_first() else { return };
            self.byte(*first);
            bytes = rest;
        }
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.word(u64::from_le_bytes(*word));
        }
        self.len += 8 * words.len() as u64;
        for byte in rest {
            self.byte(*byte);
        }
    }

    pub(in crate::memory) fn finish(&self) -> u64 {
        mix(self.hash ^ mix(self.pending) ^ self.len)
    }

    fn byte(&mut self, byte: u8) {
        self.pending |= u64::from(byte) << (8 * (self.len % 8));
        self.len += 1;
        if self.len.is_multiple_of(8) {
            let word = core::mem::take(&mut self.pending);
            self.word(word);
        }
    }

    fn word(&mut self, word: u64) {
        self.hash = (self.hash.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_do_not_matter_to_the_fold_but_every_byte_does() {
        let bytes: Vec<u8> = (0..100).collect();
        let whole = Fold::bytes(&bytes);
        for cut in 0..bytes.len() {
            let mut fold = Fold::default();
            fold.add(&bytes[..cut]);
            fold.add(&bytes[cut..]);
            assert_eq!(fold.finish(), whole, "cut at {cut}");
            let mut other = bytes.clone();
            other[cut] ^= 1;
            assert_ne!(Fold::bytes(&other), whole, "byte {cut}");
        }
        assert_ne!(Fold::bytes(&[0]), Fold::bytes(&[0, 0]));
    }
}
