//! The portable form of a histogram: `HdrHistogram` V2 in base64, microseconds, 3 digits.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use core::fmt;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer, V2Serializer};

/// Largest value that is told apart: 120 s.
pub const VALUE_US_MAX: u64 = 120_000_000;

/// Why a blob is not a histogram.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobError(String);

impl fmt::Display for BlobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not an HdrHistogram V2 blob: {}", self.0)
    }
}

impl core::error::Error for BlobError {}

/// Writes (value in microseconds, count) pairs as a blob. Values above the maximum count as it.
///
/// # Panics
/// Never: the bounds are constants that the library accepts.
#[must_use]
pub fn encode(samples: impl IntoIterator<Item = (u64, u64)>) -> String {
    let mut histogram = Histogram::<u64>::new_with_bounds(1, VALUE_US_MAX, 3)
        .expect("1 µs to 120 s with 3 digits is a valid histogram");
    for (value_us, count) in samples {
        histogram.saturating_record_n(value_us, count);
    }
    let mut bytes = Vec::new();
    V2Serializer::new()
        .serialize(&histogram, &mut bytes)
        .expect("a vector takes all that is written");
    STANDARD.encode(bytes)
}

/// Reads a blob back.
///
/// # Errors
/// The text is not base64, or the bytes are no V2 histogram.
pub fn decode(blob: &str) -> Result<Histogram<u64>, BlobError> {
    let bytes = STANDARD.decode(blob).map_err(|error| BlobError(error.to_string()))?;
    Deserializer::new()
        .deserialize(&mut bytes.as_slice())
        .map_err(|error| BlobError(format!("{error:?}")))
}

/// Points of the percentile curve: (quantile, microseconds), from the median to the last quantile
/// with at least 10 samples beyond it, a dozen per decade of the tail.
#[must_use]
pub fn curve(histogram: &Histogram<u64>) -> Vec<(f64, u64)> {
    let total = histogram.len();
    let mut points = Vec::new();
    for step in 0..=84_u32 {
        let tail = 0.5 * 10_f64.powf(-f64::from(step) / 12.0);
        #[expect(clippy::cast_precision_loss, reason = "a share of the samples")]
        let beyond = tail * total as f64;
        if beyond < 10.0 {
            break;
        }
        points.push((1.0 - tail, histogram.value_at_quantile(1.0 - tail)));
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_survives_its_blob() {
        let blob = encode([(200, 900), (1_500, 90), (40_000, 10), (u64::MAX, 1)]);
        let back = decode(&blob).unwrap();
        assert_eq!(back.len(), 1_001);
        assert_eq!(back.value_at_quantile(0.5), 200);
        assert!(back.max() >= VALUE_US_MAX);
    }

    #[test]
    fn what_is_no_blob_is_refused() {
        assert!(decode("%%%").is_err());
        assert!(decode("AAAA").is_err());
    }

    #[test]
    fn the_curve_ends_where_fewer_than_ten_samples_remain() {
        let back = decode(&encode((1..=1_000).map(|us| (us, 1)))).unwrap();
        let points = curve(&back);
        assert_eq!(points.first(), Some(&(0.5, 500)));
        assert!(points.last().unwrap().0 <= 0.99);
    }
}
