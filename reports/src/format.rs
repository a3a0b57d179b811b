//! Numbers as people read them: three significant digits and a unit.

/// `850 µs`, `1.23 ms`, `12.0 s`.
#[must_use]
pub fn duration_us(us: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let value = us as f64;
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..1_000_000 => format!("{} ms", digits(value / 1e3)),
        _ => format!("{} s", digits(value / 1e6)),
    }
}

/// `950/s`, `12.3 k/s`, `1.00 M/s`.
#[must_use]
pub fn rate(per_s: f64) -> String {
    format!("{}/s", scaled(per_s))
}

/// `950`, `12.3 k`, `1.00 M`.
#[must_use]
pub fn count(of: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    scaled(of as f64)
}

/// `512 B`, `1.5 KiB`, `2.00 GiB`.
#[must_use]
pub fn bytes(size_bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let value = size_bytes as f64;
    const UNITS: [(&str, f64); 3] =
        [("GiB", (1_u64 << 30) as f64), ("MiB", (1_u64 << 20) as f64), ("KiB", 1024.0)];
    for (unit, size) in UNITS {
        if value >= size {
            return format!("{} {unit}", digits(value / size));
        }
    }
    format!("{size_bytes} B")
}

/// A Unix time as `2026-01-31T12:34:56Z`.
#[must_use]
pub fn utc(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Counting from 1 March of year 0 puts the leap day at the end of a year.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

fn scaled(value: f64) -> String {
    match value {
        v if v >= 999_500.0 => format!("{} M", digits(v / 1e6)),
        v if v >= 999.5 => format!("{} k", digits(v / 1e3)),
        v => format!("{v:.0}"),
    }
}

fn digits(value: f64) -> String {
    match value {
        v if v >= 99.95 => format!("{v:.0}"),
        v if v >= 9.995 => format!("{v:.1}"),
        v => format!("{v:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unix_time_becomes_a_date() {
        assert_eq!(utc(0), "1970-01-01T00:00:00Z");
        assert_eq!(utc(951_827_696), "2000-02-29T12:34:56Z");
    }

    #[test]
    fn numbers_carry_three_digits_and_a_unit() {
        assert_eq!(duration_us(850), "850 µs");
        assert_eq!(duration_us(1_234), "1.23 ms");
        assert_eq!(duration_us(123_456), "123 ms");
        assert_eq!(duration_us(12_000_000), "12.0 s");
        assert_eq!(rate(999_999.0), "1.00 M/s");
        assert_eq!(rate(12_345.0), "12.3 k/s");
        assert_eq!(count(950), "950");
        assert_eq!(bytes(1536), "1.50 KiB");
        assert_eq!(bytes(90 << 20), "90.0 MiB");
    }
}
