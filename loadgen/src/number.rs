//! Numbers as people write them: `1M/s`, `100B`, `64KiB`, `0.5ms`, `p99=2ms`.
//!
//! Every refusal names the text, says what was expected and gives an example.

use core::time::Duration;
use reports::PERCENTILES;
use std::collections::BTreeMap;

type Parsed<T> = Result<T, String>;

/// Records per second: `250k/s`, `1M/s`, `1000`. The `/s` may be left out.
///
/// # Errors
/// A sentence for the user.
pub fn rate(text: &str) -> Parsed<f64> {
    let example = "write a rate such as 200k/s, 1.5M/s or 1000";
    let per_s = text.trim().trim_end_matches("/s");
    let value = scaled(per_s, &[("k", 1e3), ("K", 1e3), ("M", 1e6), ("G", 1e9), ("", 1.0)])
        .ok_or_else(|| format!("`{text}` is not a rate: {example}"))?;
    if !(1.0..=1e9).contains(&value) {
        return Err(format!("`{text}` is outside 1/s to 1G/s: {example}"));
    }
    Ok(value)
}

/// Bytes: `100B`, `1k`, `64KiB`, `1MB`. `k`, `kB`, `M`, `MB` are powers of ten, `KiB`, `MiB` of two.
///
/// # Errors
/// A sentence for the user.
pub fn bytes(text: &str) -> Parsed<usize> {
    const UNITS: [(&str, f64); 10] = [
        ("KiB", 1024.0),
        ("MiB", 1_048_576.0),
        ("GiB", 1_073_741_824.0),
        ("kB", 1e3),
        ("MB", 1e6),
        ("GB", 1e9),
        ("B", 1.0),
        ("k", 1e3),
        ("M", 1e6),
        ("", 1.0),
    ];
    let value = scaled(text, &UNITS).filter(|value| (0.0..=1e12).contains(value));
    let wrong = || format!("`{text}` is not a size: write bytes such as 100B, 16KiB or 1MB");
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0 to 10^12, a fraction of a byte is dropped"
    )]
    value.map(|value| value as usize).ok_or_else(wrong)
}

/// A length of time: `500us`, `0.5ms`, `30s`, `2m`, `1h`.
///
/// # Errors
/// A sentence for the user.
pub fn duration(text: &str) -> Parsed<Duration> {
    const UNITS: [(&str, f64); 7] = [
        ("ns", 1e-9),
        ("us", 1e-6),
        ("µs", 1e-6),
        ("ms", 1e-3),
        ("s", 1.0),
        ("m", 60.0),
        ("h", 3600.0),
    ];
    if text.trim() == "0" {
        return Ok(Duration::ZERO);
    }
    let seconds = scaled(text, &UNITS).filter(|seconds| (0.0..=1e7).contains(seconds));
    seconds.map(Duration::from_secs_f64).ok_or_else(|| {
        format!("`{text}` is not a duration: write a number and a unit, such as 500us, 2ms or 30s")
    })
}

/// Latency limits: `p99=2ms`, or several as `p50=1ms,p999=10ms`. Keys are the JSON's field names,
/// values microseconds.
///
/// # Errors
/// A sentence for the user.
pub fn limits(text: &str) -> Parsed<BTreeMap<String, u64>> {
    let mut limits = BTreeMap::new();
    for part in text.split(',') {
        let (name, limit) = part
            .split_once('=')
            .ok_or_else(|| format!("`{part}` is not a target: write one such as p99=2ms"))?;
        let percentile =
            PERCENTILES.iter().find(|known| known.name == name.trim()).ok_or_else(|| {
                let known: Vec<_> = PERCENTILES.iter().map(|known| known.name).collect();
                format!("`{name}` is not a percentile: use one of {}", known.join(", "))
            })?;
        let limit_us = u64::try_from(duration(limit)?.as_micros()).unwrap_or(u64::MAX);
        if limit_us == 0 {
            return Err(format!("`{part}`: a limit is at least 1us"));
        }
        limits.insert(percentile.field.to_owned(), limit_us);
    }
    Ok(limits)
}

/// CPU numbers: `0`, `0-3`, `0,2-3`.
///
/// # Errors
/// A sentence for the user.
pub fn cpus(text: &str) -> Parsed<Vec<usize>> {
    let wrong = || format!("`{text}` is not a list of CPUs: write 1, 0-3 or 0,2-3");
    let mut cpus = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let first: usize = first.trim().parse().map_err(|_| wrong())?;
        let last: usize = last.trim().parse().map_err(|_| wrong())?;
        if first > last || last > 4096 {
            return Err(wrong());
        }
        cpus.extend(first..=last);
    }
    Ok(cpus)
}

/// A number with one of the units; units that end alike are given longest first.
fn scaled(text: &str, units: &[(&str, f64)]) -> Option<f64> {
    let text = text.trim();
    let digits =
        text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').len();
    let (number, unit) = text.split_at(digits);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim())?;
    Some(number.parse::<f64>().ok()? * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_people_write_them() {
        assert_eq!(rate("1M/s"), Ok(1e6));
        assert_eq!(rate("1.5k"), Ok(1_500.0));
        assert_eq!(bytes("100B"), Ok(100));
        assert_eq!(bytes("64KiB"), Ok(65_536));
        assert_eq!(bytes("1k"), Ok(1_000));
        assert_eq!(duration("0.5ms"), Ok(Duration::from_micros(500)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        assert_eq!(duration("0"), Ok(Duration::ZERO));
        assert_eq!(cpus("0,2-3"), Ok(vec![0, 2, 3]));
        let expected = BTreeMap::from([("p50_us".to_owned(), 900), ("p999_us".to_owned(), 10_000)]);
        assert_eq!(limits("p50=900us,p999=10ms"), Ok(expected));
    }

    #[test]
    fn a_refusal_says_what_to_write() {
        let refused = |result: Result<String, String>| result.unwrap_err();
        let shown = [
            refused(rate("fast").map(|it| it.to_string())),
            refused(rate("0").map(|it| it.to_string())),
            refused(bytes("12 apples").map(|it| it.to_string())),
            refused(duration("30").map(|it| format!("{it:?}"))),
            refused(limits("p98=2ms").map(|it| format!("{it:?}"))),
            refused(limits("2ms").map(|it| format!("{it:?}"))),
            refused(cpus("3-1").map(|it| format!("{it:?}"))),
        ];
        expect_test::expect![[r#"
            `fast` is not a rate: write a rate such as 200k/s, 1.5M/s or 1000
            `0` is outside 1/s to 1G/s: write a rate such as 200k/s, 1.5M/s or 1000
            `12 apples` is not a size: write bytes such as 100B, 16KiB or 1MB
            `30` is not a duration: write a number and a unit, such as 500us, 2ms or 30s
            `p98` is not a percentile: use one of p50, p90, p99, p999, p9999
            `2ms` is not a target: write one such as p99=2ms
            `3-1` is not a list of CPUs: write 1, 0-3 or 0,2-3"#]]
        .assert_eq(&shown.join("\n"));
    }
}
