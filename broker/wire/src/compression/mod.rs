//! The codecs of a record batch: gzip, snappy, lz4, zstd.
//!
//! Promises: decompression stops at a bound whatever the data claims about itself; malformed data
//! is an error, never a panic. What we write, every Kafka client reads: lz4 as a frame of independent
//! blocks, snappy in xerial framing.
//! Does not: bound a zstd window below the 128 MiB of address space that the highest level asks for;
//! only what a frame fills is touched.

mod snappy;

use core::fmt;
use std::io::{Read, Write};

use lz4_flex::frame::{BlockMode, BlockSize, FrameDecoder, FrameEncoder, FrameInfo};

/// How the records of a batch are compressed, with its number in the attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u8)]
pub enum Codec {
    #[default]
    None = 0,
    Gzip = 1,
    Snappy = 2,
    Lz4 = 3,
    Zstd = 4,
}

/// Why compressed records cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompressionError {
    /// Not data of this codec.
    Malformed,
    /// More than the caller allows.
    TooLarge { limit_bytes: usize },
}

impl fmt::Display for CompressionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("the compressed records are malformed"),
            Self::TooLarge { limit_bytes } => {
                write!(f, "the records exceed {limit_bytes} bytes when decompressed")
            }
        }
    }
}

impl core::error::Error for CompressionError {}

impl Codec {
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::None),
            1 => Some(Self::Gzip),
            2 => Some(Self::Snappy),
            3 => Some(Self::Lz4),
            4 => Some(Self::Zstd),
            _ => None,
        }
    }

    /// The name in `compression.type`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }

    /// The codec of a name in `compression.type`; `None` for "producer", "uncompressed" and others.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let all = [Self::None, Self::Gzip, Self::Snappy, Self::Lz4, Self::Zstd];
        all.into_iter().find(|codec| codec.name() == name)
    }

    /// The data itself when it is not compressed, else its decompressed form in `scratch`.
    ///
    /// # Errors
    /// Malformed data, or more than `bytes_max` of output.
    pub fn decompressed<'s>(
        self,
        data: &'s [u8],
        scratch: &'s mut Vec<u8>,
        bytes_max: usize,
    ) -> Result<&'s [u8], CompressionError> {
        scratch.clear();
        match self {
            Self::None => return Ok(data),
            Self::Gzip => read_bounded(flate2::read::MultiGzDecoder::new(data), scratch, bytes_max),
            Self::Lz4 => read_bounded(FrameDecoder::new(data), scratch, bytes_max),
            Self::Zstd => {
                let decoder = zstd::stream::read::Decoder::with_buffer(data);
                read_bounded(decoder.map_err(|_| CompressionError::Malformed)?, scratch, bytes_max)
            }
            Self::Snappy => snappy::decompress(data, scratch, bytes_max),
        }?;
        Ok(scratch)
    }
}

/// Reads to the end, or one byte past the bound to know that there is more.
fn read_bounded(
    reader: impl Read,
    output: &mut Vec<u8>,
    bytes_max: usize,
) -> Result<(), CompressionError> {
    let more_than_allowed = (bytes_max as u64).saturating_add(1);
    let read = reader.take(more_than_allowed).read_to_end(output);
    if output.len() > bytes_max {
        return Err(CompressionError::TooLarge { limit_bytes: bytes_max });
    }
    read.map(|_| ()).map_err(|_| CompressionError::Malformed)
}

/// A codec and how hard it tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Compression {
    pub codec: Codec,
    /// gzip 1 to 9, zstd -131072 to 22; `None` is Kafka's default (6 and 3). Others have no level.
    pub level: Option<i32>,
}

impl From<Codec> for Compression {
    fn from(codec: Codec) -> Self {
        Self { codec, level: None }
    }
}

impl Compression {
    /// Appends the compressed form of `data` to `output`.
    ///
    /// # Panics
    /// Never on valid levels: writing to memory does not fail.
    pub fn compress(self, data: &[u8], output: &mut Vec<u8>) {
        const MEMORY: &str = "writing to memory does not fail";
        match self.codec {
            Codec::None => output.extend_from_slice(data),
            Codec::Gzip => {
                let level = self.level.and_then(|level| u32::try_from(level).ok()).unwrap_or(6);
                let level = flate2::Compression::new(level.min(9));
                let mut encoder = flate2::write::GzEncoder::new(output, level);
                encoder.write_all(data).expect(MEMORY);
                encoder.finish().expect(MEMORY);
            }
            Codec::Snappy => snappy::compress(data, output),
            Codec::Lz4 => {
                let info = FrameInfo::new()
                    .block_size(BlockSize::Max64KB)
                    .block_mode(BlockMode::Independent);
                let mut encoder = FrameEncoder::with_frame_info(info, output);
                encoder.write_all(data).expect(MEMORY);
                encoder.finish().expect(MEMORY);
            }
            Codec::Zstd => {
                let level = self.level.unwrap_or(zstd::DEFAULT_COMPRESSION_LEVEL);
                let mut encoder = zstd::stream::write::Encoder::new(output, level).expect(MEMORY);
                encoder.write_all(data).expect(MEMORY);
                encoder.finish().expect(MEMORY);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODECS: [Codec; 5] = [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd];

    fn sample(size_bytes: usize) -> Vec<u8> {
        (0..size_bytes).map(|at| b"records and more records"[(at * at / 7) % 24]).collect()
    }

    #[test]
    fn every_codec_gives_back_what_it_was_given() {
        for codec in CODECS {
            for size_bytes in [0, 1, 100, 32 * 1024, 200_000] {
                let data = sample(size_bytes);
                let mut compressed = Vec::new();
                Compression::from(codec).compress(&data, &mut compressed);
                let mut scratch = Vec::new();
                let again = codec.decompressed(&compressed, &mut scratch, size_bytes);
                assert_eq!(again, Ok(&data[..]), "{codec:?} {size_bytes}");
            }
        }
    }

    #[test]
    fn output_stops_at_the_bound() {
        for codec in CODECS.into_iter().skip(1) {
            let mut compressed = Vec::new();
            Compression::from(codec).compress(&vec![7; 1 << 20], &mut compressed);
            let mut scratch = Vec::new();
            assert_eq!(
                codec.decompressed(&compressed, &mut scratch, 1000),
                Err(CompressionError::TooLarge { limit_bytes: 1000 }),
                "{codec:?}"
            );
            assert!(scratch.capacity() < 1 << 18, "{codec:?} kept {}", scratch.capacity());
        }
    }

    #[test]
    fn cut_data_gives_no_wrong_bytes_and_foreign_data_is_refused() {
        for codec in CODECS.into_iter().skip(1) {
            let mut compressed = Vec::new();
            let data = sample(5000);
            Compression::from(codec).compress(&data, &mut compressed);
            let mut scratch = Vec::new();
            for end in (1..compressed.len()).step_by(7) {
                // A cut at a block's end can look whole: the batch's record count tells.
                if let Ok(read) = codec.decompressed(&compressed[..end], &mut scratch, 1 << 20) {
                    assert!(data.starts_with(read), "{codec:?} cut at {end}");
                }
            }
            let foreign = [0x55; 64];
            assert!(codec.decompressed(&foreign, &mut scratch, 1 << 20).is_err(), "{codec:?}");
        }
    }
}
