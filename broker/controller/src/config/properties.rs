//! `server.properties`: Java's properties syntax, and help with misspelled keys.

use core::fmt;
use std::collections::BTreeMap;

use super::{BROKER, TOPIC};

/// Why a line is not a property. Lines count from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PropertiesError {
    NoKey {
        line: usize,
    },
    /// The same key twice with different values: one of them would be lost.
    Contradiction {
        line: usize,
        key: String,
    },
    BadEscape {
        line: usize,
    },
}

impl fmt::Display for PropertiesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoKey { line } => write!(f, "line {line}: a property needs a key before '='"),
            Self::Contradiction { line, key } => {
                write!(
                    f,
                    "line {line}: {key} was already set to another value; keep one of the two"
                )
            }
            Self::BadEscape { line } => write!(f, "line {line}: \\u wants four hexadecimal digits"),
        }
    }
}

impl std::error::Error for PropertiesError {}

/// Reads `key=value`, `key: value` or `key value` lines; `#` and `!` start comments, a backslash at
/// the end continues a line.
///
/// # Errors
/// The first line that is not a property.
pub fn parse_properties(text: &str) -> Result<BTreeMap<String, String>, PropertiesError> {
    let mut properties = BTreeMap::new();
    let mut lines = text.lines().enumerate();
    while let Some((at, first)) = lines.next() {
        let line = at + 1;
        let mut logical = first.trim_start().to_owned();
        if logical.is_empty() || logical.starts_with(['#', '!']) {
            continue;
        }
        while is_continued(&logical) {
            logical.pop();
            let Some((_, next)) = lines.next() else { break };
            logical.push_str(next.trim_start());
        }
        let (key, value) = split(&logical);
        let (key, value) = (unescape(key, line)?, unescape(value, line)?);
        if key.is_empty() {
            return Err(PropertiesError::NoKey { line });
        }
        let value = value.trim_end().to_owned();
        match properties.get(&key) {
            Some(before) if *before != value => {
                return Err(PropertiesError::Contradiction { line, key });
            }
            _ => properties.insert(key, value),
        };
    }
    Ok(properties)
}

/// Whether an odd number of backslashes ends the line.
fn is_continued(line: &str) -> bool {
    line.bytes().rev().take_while(|b| *b == b'\\').count() % 2 == 1
}

/// Key and raw value: the separator is the first unescaped `=`, `:` or run of white space.
fn split(line: &str) -> (&str, &str) {
    let mut escaped = false;
    for (at, c) in line.char_indices() {
        if !escaped && matches!(c, '=' | ':' | ' ' | '\t') {
            let rest = line[at..].trim_start();
            let rest = rest.strip_prefix(['=', ':']).unwrap_or(rest);
            return (&line[..at], rest.trim_start());
        }
        escaped = !escaped && c == '\\';
    }
    (line, "")
}

fn unescape(text: &str, line: usize) -> Result<String, PropertiesError> {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            plain.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => plain.push('\n'),
            Some('t') => plain.push('\t'),
            Some('r') => plain.push('\r'),
            Some('u') => {
                let digits: String = chars.by_ref().take(4).collect();
                let code = u32::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == 4);
                let c = code.and_then(char::from_u32).ok_or(PropertiesError::BadEscape { line })?;
                plain.push(c);
            }
            Some(other) => plain.push(other),
            None => {}
        }
    }
    Ok(plain)
}

/// The known key that was probably meant by an unknown one: at most two edits away.
#[must_use]
pub fn suggestion(unknown: &str) -> Option<&'static str> {
    let broker = BROKER.iter().map(|row| row.name);
    let topic = TOPIC.iter().map(|row| row.definition.name);
    broker
        .chain(topic)
        .map(|known| (edits(unknown, known), known))
        .filter(|(distance, _)| *distance <= 2)
        .min()
        .map(|(_, known)| known)
}

/// Levenshtein distance.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (row, from) in a.chars().enumerate() {
        let mut diagonal = row;
        let mut left = row + 1;
        for (column, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = above[column + 1];
            above[column] = left;
            left = replaced.min(left + 1).min(diagonal + 1);
        }
        above[b.len()] = left;
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn java_properties_are_read_as_java_reads_them() {
        let text = "# comment\n! too\nlog.dirs = /a,\\\n   /b\nnode.id:7\nempty=\nspaced value here\npath=C\\:\\\\x\\u0041\n";
        let properties = parse_properties(text).unwrap();
        let get = |key: &str| properties.get(key).map(String::as_str);
        assert_eq!(get("log.dirs"), Some("/a,/b"));
        assert_eq!(get("node.id"), Some("7"));
        assert_eq!(get("empty"), Some(""));
        assert_eq!(get("spaced"), Some("value here"));
        assert_eq!(get("path"), Some("C:\\xA"));
    }

    #[test]
    fn broken_lines_are_refused_by_number() {
        let error = |text| parse_properties(text).unwrap_err().to_string();
        assert_eq!(error("\n=x"), "line 2: a property needs a key before '='");
        assert_eq!(
            error("a=1\na=2"),
            "line 2: a was already set to another value; keep one of the two"
        );
        assert_eq!(error("a=\\u12"), "line 1: \\u wants four hexadecimal digits");
    }

    #[test]
    fn a_misspelled_key_finds_its_neighbour() {
        assert_eq!(suggestion("num.partition"), Some("num.partitions"));
        assert_eq!(suggestion("log.dir.s"), Some("log.dirs"));
        assert_eq!(suggestion("my.own.plugin.key"), None);
        assert_eq!(edits("kitten", "sitting"), 3);
    }
}
