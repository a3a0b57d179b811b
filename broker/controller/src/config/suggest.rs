//! What to tell an operator about the keys of a file.

use super::{BROKER, ConfigError, Key, Support, Values, broker_key, parse};

/// One thing worth saying about a key that was set. In the order of the keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// Refuse to start: wrong value, or a typo close to a known key.
    Invalid(ConfigError),
    /// Refuse to start: the key promises protection that is not there.
    Unprotected { name: String },
    /// Warn once: known to Kafka, changes nothing here.
    NoEffect { name: &'static str },
    /// Warn, or refuse in strict mode: no broker key is like it. Kafka ignores such keys, and
    /// plugins read them.
    Unknown { name: String },
}

impl core::fmt::Display for Finding {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Invalid(error) => error.fmt(f),
            Self::Unprotected { name } => {
                write!(f, "{name} asks for security that this broker cannot give; remove it")
            }
            Self::NoEffect { name } => write!(f, "{name} has no effect in this broker"),
            Self::Unknown { name } => write!(f, "unknown configuration key {name} is ignored"),
        }
    }
}

/// Key prefixes that configure authentication, encryption or authorization.
const SECURITY_PREFIXES: &[&str] = &[
    "ssl.",
    "sasl.",
    "security.providers",
    "authorizer.",
    "delegation.token.",
    "password.encoder.",
    "listener.name.",
];

/// Judges every key of a properties file. Empty: nothing to say.
#[must_use]
pub fn inspect(values: &Values) -> Vec<Finding> {
    values.iter().filter_map(|(name, text)| judge(name, text)).collect()
}

fn judge(name: &str, text: &str) -> Option<Finding> {
    let Some(key) = broker_key(name) else {
        if SECURITY_PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
            return Some(Finding::Unprotected { name: name.to_owned() });
        }
        let name = name.to_owned();
        return Some(match closest(&name, BROKER) {
            None => Finding::Unknown { name },
            closest => Finding::Invalid(ConfigError::UnknownKey { name, closest }),
        });
    };
    if let Err(error) = parse(key, text) {
        return Some(Finding::Invalid(error));
    }
    match key.support {
        Support::Effective => None,
        Support::NoEffect => Some(Finding::NoEffect { name: key.name }),
        // Writing the default down asks for nothing.
        Support::Refused if key.default.unwrap_or_default() == text.trim() => None,
        Support::Refused => Some(Finding::Unprotected { name: name.to_owned() }),
    }
}

/// The key that a typo most likely means: at most two edits away, and one in a short name.
#[must_use]
pub fn closest(name: &str, table: &'static [Key]) -> Option<&'static str> {
    let edits_max = if name.len() < 8 { 1 } else { 2 };
    let rated = table.iter().map(|key| (edits(name, key.name), key.name));
    rated.filter(|(edits, _)| (1..=edits_max).contains(edits)).min().map(|(_, name)| name)
}

/// Insertions, removals and replacements that turn one word into the other (Levenshtein).
fn edits(a: &str, b: &str) -> usize {
    // Far-off lengths need no table; this also bounds the work for a hostile key.
    if a.len().abs_diff(b.len()) > 2 {
        return usize::MAX;
    }
    let b = b.as_bytes();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.bytes().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
