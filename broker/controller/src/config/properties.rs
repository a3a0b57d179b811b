//! Java properties text, as far as `server.properties` files use it.
//!
//! Comments start with `#` or `!`; `=`, `:` or white space ends a key; a backslash at the end of a
//! line continues it; `\t \n \r \f \uXXXX` and an escaped character anywhere. The last line of a key
//! wins, as in Java.

use core::fmt;

use super::Values;

/// A `\u` escape without four hexadecimal digits, or half a surrogate pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PropertiesError {
    /// Counted from 1, where the logical line begins.
    pub line: usize,
}

impl fmt::Display for PropertiesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: \\u needs four hexadecimal digits of one character", self.line)
    }
}

impl core::error::Error for PropertiesError {}

/// Reads the text of a properties file.
///
/// # Errors
/// A malformed `\u` escape; everything else means something.
pub fn parse_properties(text: &str) -> Result<Values, PropertiesError> {
    let mut values = Values::new();
    let mut lines = text.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        let mut logical = line.trim_start().to_owned();
        if logical.is_empty() || logical.starts_with(['#', '!']) {
            continue;
        }
        while ends_open(&logical) {
            logical.pop();
            let Some((_, next)) = lines.next() else { break };
            logical.push_str(next.trim_start());
        }
        let (key, value) = split(&logical);
        let bad = PropertiesError { line: at + 1 };
        values.insert(unescape(key).ok_or(bad)?, unescape(value).ok_or(bad)?);
    }
    Ok(values)
}

/// Whether the line ends in an odd number of backslashes.
fn ends_open(line: &str) -> bool {
    line.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1
}

/// Key and value, both still escaped.
fn split(line: &str) -> (&str, &str) {
    let mut escaped = false;
    let end = line.find(|c: char| {
        let ends = !escaped && (c == '=' || c == ':' || c.is_whitespace());
        escaped = c == '\\' && !escaped;
        ends
    });
    let (key, rest) = line.split_at(end.unwrap_or(line.len()));
    let rest = rest.trim_start();
    let value = rest.strip_prefix(['=', ':']).unwrap_or(rest);
    (key, value.trim_start())
}

fn unescape(text: &str) -> Option<String> {
    let mut units = Vec::new();
    let mut buffer = [0; 2];
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let c = match c {
            '\\' => match chars.next() {
                Some('t') => '\t',
                Some('n') => '\n',
                Some('r') => '\r',
                Some('f') => '\u{c}',
                Some('u') => {
                    let rest = chars.as_str();
                    units.push(u16::from_str_radix(rest.get(..4)?, 16).ok()?);
                    chars = rest.get(4..)?.chars();
                    continue;
                }
                Some(other) => other,
                None => break,
            },
            plain => plain,
        };
        units.extend_from_slice(c.encode_utf16(&mut buffer));
    }
    String::from_utf16(&units).ok()
}
