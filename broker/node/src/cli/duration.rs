//! Durations as a person writes them.

use core::time::Duration;

/// Units from long to short, each with its milliseconds.
const UNITS: &[(&str, u64)] =
    &[("d", 86_400_000), ("h", 3_600_000), ("ms", 1), ("m", 60_000), ("s", 1_000)];

/// `90s`, `1h30m`, `500ms`, and `P1DT2H3M4S` as Kafka's tools want it.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let malformed = || format!("`{text}` is not a duration: write it like 30s, 1h30m or P1DT2H");
    let lower = text.to_ascii_lowercase();
    let parts = lower.strip_prefix('p').unwrap_or(&lower).replace('t', "");
    let mut rest = parts.as_str();
    if rest.is_empty() {
        return Err(malformed());
    }
    let mut sum_ms: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(malformed)?;
        let (number, after) = rest.split_at(digits);
        let number: u64 = number.parse().map_err(|_| malformed())?;
        let unit = UNITS.iter().find(|(unit, _)| after.starts_with(unit));
        let (unit, unit_ms) = unit.ok_or_else(malformed)?;
        let part = number.checked_mul(*unit_ms).ok_or_else(malformed)?;
        sum_ms = sum_ms.checked_add(part).ok_or_else(malformed)?;
        rest = &after[unit.len()..];
    }
    Ok(Duration::from_millis(sum_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_like_a_person_or_a_standard_writes_them() {
        let ms = |text| duration(text).map(|it| it.as_millis());
        assert_eq!(ms("30s"), Ok(30_000));
        assert_eq!(ms("1h30m"), Ok(5_400_000));
        assert_eq!(ms("250ms"), Ok(250));
        assert_eq!(ms("P1DT2H3M4S"), Ok(93_784_000));
        assert_eq!(ms("PT0S"), Ok(0));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "P", "5", "s", "1w", "-1s", "1.5s", "99999999999999999999d"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
