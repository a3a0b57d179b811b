//! Moments as a person writes them.

/// Milliseconds since 1970, or `2026-01-31T12:00:00.250Z` with the seconds, their fraction and the offset from UTC
/// (`Z`, `+02:00`) left out at will; without an offset it is UTC.
pub(crate) fn instant_ms(text: &str) -> Result<i64, String> {
    if let Ok(ms) = text.parse::<i64>() {
        return Ok(ms);
    }
    parse(text).ok_or_else(|| {
        format!("`{text}` is not a time: write it like 2026-01-31T12:00:00Z, or as milliseconds since 1970")
    })
}

fn parse(text: &str) -> Option<i64> {
    let (date, time) = text.split_once(['T', ' '])?;
    let mut parts = date.splitn(3, '-').map(digits);
    let days = days_since_1970(parts.next()??, parts.next()??, parts.next()??)?;
    let (time, offset_minutes) = split_offset(time)?;
    let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let mut parts = clock.splitn(3, ':').map(digits);
    let (hour, minute) = (parts.next()??, parts.next()??);
    let second = parts.next().unwrap_or(Some(0))?;
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let seconds = ((days * 24 + hour) * 60 + minute - offset_minutes) * 60 + second;
    Some(seconds * 1_000 + milliseconds(fraction)?)
}

/// The clock's part and how many minutes it is ahead of UTC.
fn split_offset(time: &str) -> Option<(&str, i64)> {
    if let Some(time) = time.strip_suffix(['Z', 'z']) {
        return Some((time, 0));
    }
    let Some(at) = time.rfind(['+', '-']) else { return Some((time, 0)) };
    let (time, offset) = time.split_at(at);
    let (sign, offset) = offset.split_at(1);
    let (hours, minutes) = match offset.split_once(':') {
        Some((hours, minutes)) => (hours, minutes),
        None => offset.split_at_checked(2)?,
    };
    let minutes = digits(hours)? * 60 + if minutes.is_empty() { 0 } else { digits(minutes)? };
    Some((time, if sign == "-" { -minutes } else { minutes }))
}

/// Up to nine digits, nothing else.
fn digits(text: &str) -> Option<i64> {
    let plain = !text.is_empty() && text.len() <= 9 && text.bytes().all(|b| b.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

/// The first three digits of a fraction of a second.
fn milliseconds(fraction: &str) -> Option<i64> {
    let digits_only = digits(fraction)?;
    let scale = u32::try_from(fraction.len()).ok()?;
    Some(if scale <= 3 {
        digits_only * 10_i64.pow(3 - scale)
    } else {
        digits_only / 10_i64.pow(scale - 3)
    })
}

/// Days from 1970-01-01 to a date of the Gregorian calendar; `None` for a date that is none.
fn days_since_1970(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let lengths = [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let month_at = usize::try_from(month).ok()?.checked_sub(1)?;
    let length = *lengths.get(month_at)?;
    if !(1..=length).contains(&day) || !(1..=9_999).contains(&year) {
        return None;
    }
    let years_before = year - 1;
    let leap_days = years_before / 4 - years_before / 100 + years_before / 400;
    let days_of_year: i64 = lengths[..month_at].iter().sum::<i64>() + day - 1;
    // 719,162 days lie between the first day of year 1 and that of 1970.
    Some(years_before * 365 + leap_days + days_of_year - 719_162)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_its_milliseconds() {
        assert_eq!(instant_ms("1970-01-01T00:00:00Z"), Ok(0));
        assert_eq!(instant_ms("2000-02-29T12:34:56.007Z"), Ok(951_827_696_007));
        assert_eq!(instant_ms("2026-12-31T23:59:59.999999Z"), Ok(1_798_761_599_999));
        assert_eq!(instant_ms("2026-12-31 23:59"), Ok(1_798_761_540_000));
        assert_eq!(instant_ms("1970-01-01T02:00+02:00"), Ok(0));
        assert_eq!(instant_ms("1969-12-31T19:00-0500"), Ok(0));
        assert_eq!(instant_ms("12345"), Ok(12_345));
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "yesterday",
            "2026-02-29T00:00Z",
            "2026-13-01T00:00",
            "2026-01-01",
            "2026-01-01T25:00",
        ] {
            assert!(instant_ms(text).is_err(), "{text}");
        }
    }
}
