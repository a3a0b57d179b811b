//! Snappy in both forms that clients send: xerial framing (Java) and one raw block (librdkafka).
//!
//! Xerial: magic `82 53 4e 41 50 50 59 00`, version 1, lowest compatible version 1 (both i32), then
//! blocks of i32 length and raw snappy data.

use snap::raw::{Decoder, Encoder, decompress_len, max_compress_len};

use super::CompressionError;

const MAGIC: [u8; 8] = [0x82, b'S', b'N', b'A', b'P', b'P', b'Y', 0];
/// Java's block size.
const BLOCK_BYTES: usize = 32 * 1024;
const VERSIONS_BYTES: usize = 8;

pub(super) fn compress(data: &[u8], output: &mut Vec<u8>) {
    output.extend_from_slice(&MAGIC);
    output.extend_from_slice(&1i32.to_be_bytes());
    output.extend_from_slice(&1i32.to_be_bytes());
    let mut encoder = Encoder::new();
    let mut block = vec![0; max_compress_len(BLOCK_BYTES.min(data.len()))];
    for chunk in data.chunks(BLOCK_BYTES) {
        let size_bytes = encoder.compress(chunk, &mut block).expect("the block holds the maximum");
        let length = i32::try_from(size_bytes).expect("a block is small");
        output.extend_from_slice(&length.to_be_bytes());
        output.extend_from_slice(block.get(..size_bytes).unwrap_or_default());
    }
}

pub(super) fn decompress(
    data: &[u8],
    output: &mut Vec<u8>,
    bytes_max: usize,
) -> Result<(), CompressionError> {
    let Some(framed) = data.strip_prefix(&MAGIC) else {
        return block(data, output, bytes_max);
    };
    let mut rest = framed.get(VERSIONS_BYTES..).ok_or(CompressionError::Malformed)?;
    while !rest.is_empty() {
        let (length, after) = rest.split_first_chunk::<4>().ok_or(CompressionError::Malformed)?;
        let length = usize::try_from(i32::from_be_bytes(*length));
        let length = length.map_err(|_| CompressionError::Malformed)?;
        let (compressed, after) =
            after.split_at_checked(length).ok_or(CompressionError::Malformed)?;
        block(compressed, output, bytes_max)?;
        rest = after;
    }
    Ok(())
}

/// Appends one block. Its claimed size is believed only up to the bound.
fn block(data: &[u8], output: &mut Vec<u8>, bytes_max: usize) -> Result<(), CompressionError> {
    let size_bytes = decompress_len(data).map_err(|_| CompressionError::Malformed)?;
    let start = output.len();
    if size_bytes > bytes_max.saturating_sub(start) {
        return Err(CompressionError::TooLarge { limit_bytes: bytes_max });
    }
    // Snappy cannot expand more than about 64 times per element: a larger claim is a lie.
    if size_bytes / 64 > data.len() {
        return Err(CompressionError::Malformed);
    }
    output.resize(start + size_bytes, 0);
    let place = output.get_mut(start..).unwrap_or_default();
    let written =
        Decoder::new().decompress(data, place).map_err(|_| CompressionError::Malformed)?;
    output.truncate(start + written);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_raw_block_is_accepted() {
        let data = b"librdkafka sends one raw block".repeat(100);
        let raw = Encoder::new().compress_vec(&data).unwrap();
        let mut output = Vec::new();
        assert_eq!(decompress(&raw, &mut output, data.len()), Ok(()));
        assert_eq!(output, data);
    }

    #[test]
    fn a_claimed_size_alone_allocates_nothing() {
        let mut output = Vec::new();
        let claims_4_gib = [0xff, 0xff, 0xff, 0xff, 0x0f, 0x00];
        assert!(decompress(&claims_4_gib, &mut output, usize::MAX).is_err());
        assert_eq!(output.capacity(), 0);
    }
}
