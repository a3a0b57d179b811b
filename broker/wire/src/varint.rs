//! Variable-length integers: seven bits per byte, low bits first, the top bit says "more follows".
//!
//! Lengths and tags of the protocol are unsigned; fields of a record are signed and zigzag coded.
//! Promises: no panic; a number that does not fit its type is refused, not cut.
//! Source: Kafka `ByteUtils`, KIP-482.

/// Longest unsigned or zigzag 32-bit number, in bytes.
pub const VARINT_BYTES_MAX: usize = 5;
/// Longest zigzag 64-bit number, in bytes.
pub const VARLONG_BYTES_MAX: usize = 10;

/// Reads an unsigned 32-bit number: the value and how many bytes it took.
///
/// `None` when `bytes` ends inside the number or the number exceeds 32 bits.
#[must_use]
pub fn read_unsigned(bytes: &[u8]) -> Option<(u32, usize)> {
    let (value, size_bytes) = read_u64(bytes, VARINT_BYTES_MAX)?;
    Some((u32::try_from(value).ok()?, size_bytes))
}

/// Reads a zigzag 32-bit number (Kafka's "varint").
#[must_use]
pub fn read_varint(bytes: &[u8]) -> Option<(i32, usize)> {
    let (raw, size_bytes) = read_unsigned(bytes)?;
    Some(((raw >> 1).cast_signed() ^ -((raw & 1).cast_signed()), size_bytes))
}

/// Reads a zigzag 64-bit number (Kafka's "varlong").
#[must_use]
pub fn read_varlong(bytes: &[u8]) -> Option<(i64, usize)> {
    let (raw, size_bytes) = read_u64(bytes, VARLONG_BYTES_MAX)?;
    Some(((raw >> 1).cast_signed() ^ -((raw & 1).cast_signed()), size_bytes))
}

#[inline]
fn read_u64(bytes: &[u8], bytes_max: usize) -> Option<(u64, usize)> {
    // Nearly every number in a record is one byte long.
    if let Some(&first) = bytes.first()
        && first < 0x80
    {
        return Some((u64::from(first), 1));
    }
    let mut value = 0u64;
    for (at, &byte) in bytes.iter().take(bytes_max).enumerate() {
        let part = u64::from(byte & 0x7f);
        let shift = 7 * at;
        if (part << shift) >> shift != part {
            return None;
        }
        value |= part << shift;
        if byte < 0x80 {
            return Some((value, at + 1));
        }
    }
    None
}

/// Appends an unsigned 32-bit number.
pub fn put_unsigned(bytes: &mut Vec<u8>, value: u32) {
    put_u64(bytes, u64::from(value));
}

/// Appends a zigzag 32-bit number.
pub fn put_varint(bytes: &mut Vec<u8>, value: i32) {
    put_u64(bytes, u64::from(zigzag(value)));
}

/// Appends a zigzag 64-bit number.
pub fn put_varlong(bytes: &mut Vec<u8>, value: i64) {
    put_u64(bytes, zigzag_long(value));
}

#[inline]
#[expect(clippy::cast_possible_truncation, reason = "masked to seven bits")]
fn put_u64(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

/// Encoded size of an unsigned number, in bytes.
#[must_use]
pub fn unsigned_size(value: u32) -> usize {
    size(u64::from(value))
}

/// Encoded size of a zigzag 32-bit number, in bytes.
#[must_use]
pub fn varint_size(value: i32) -> usize {
    size(u64::from(zigzag(value)))
}

/// Encoded size of a zigzag 64-bit number, in bytes.
#[must_use]
pub fn varlong_size(value: i64) -> usize {
    size(zigzag_long(value))
}

fn size(value: u64) -> usize {
    let bits = 64 - (value | 1).leading_zeros() as usize;
    bits.div_ceil(7)
}

fn zigzag(value: i32) -> u32 {
    ((value << 1) ^ (value >> 31)).cast_unsigned()
}

fn zigzag_long(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EDGES: [i64; 12] =
        [0, 1, -1, 63, 64, -64, -65, 8_191, i32::MAX as i64, i32::MIN as i64, i64::MAX, i64::MIN];

    #[test]
    fn every_number_survives_and_its_size_is_known() {
        for value in EDGES {
            let mut bytes = Vec::new();
            put_varlong(&mut bytes, value);
            assert_eq!(bytes.len(), varlong_size(value));
            assert_eq!(read_varlong(&bytes), Some((value, bytes.len())));
            for cut in 0..bytes.len() {
                assert_eq!(read_varlong(&bytes[..cut]), None);
            }
            let Ok(small) = i32::try_from(value) else { continue };
            let mut bytes = Vec::new();
            put_varint(&mut bytes, small);
            assert_eq!(bytes.len(), varint_size(small));
            assert_eq!(read_varint(&bytes), Some((small, bytes.len())));
            let mut bytes = Vec::new();
            put_unsigned(&mut bytes, small.cast_unsigned());
            assert_eq!(bytes.len(), unsigned_size(small.cast_unsigned()));
            assert_eq!(read_unsigned(&bytes), Some((small.cast_unsigned(), bytes.len())));
        }
    }

    #[test]
    fn a_number_beyond_its_type_is_refused() {
        assert_eq!(read_unsigned(&[0xff, 0xff, 0xff, 0xff, 0x0f]), Some((u32::MAX, 5)));
        assert_eq!(read_unsigned(&[0xff, 0xff, 0xff, 0xff, 0x10]), None);
        assert_eq!(read_unsigned(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x00]), None);
        assert_eq!(read_varlong(&[0xff; 10]), None);
        assert_eq!(
            read_varlong(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02]),
            None
        );
    }
}
