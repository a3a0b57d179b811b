//! What the text of a value means, and whether it is allowed.

use core::fmt;
use std::collections::BTreeMap;

use super::{Key, topic_key};

/// The type of a key and the values it allows; bounds are inclusive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    Boolean,
    /// 32 bits.
    Int {
        min: i64,
        max: i64,
    },
    /// 64 bits.
    Long {
        min: i64,
        max: i64,
    },
    Double {
        min: f64,
        max: f64,
    },
    Text,
    OneOf(&'static [&'static str]),
    /// Separated by commas.
    List,
    /// A list of these; an empty `allowed` list is refused unless `may_be_empty`.
    ListOf {
        allowed: &'static [&'static str],
        may_be_empty: bool,
    },
    Class,
    Password,
}

impl Kind {
    /// The `config_type` of DescribeConfigs (Kafka `ConfigType`).
    #[must_use]
    pub fn code(self) -> i8 {
        match self {
            Self::Boolean => 1,
            Self::Text | Self::OneOf(_) => 2,
            Self::Int { .. } => 3,
            Self::Long { .. } => 5,
            Self::Double { .. } => 6,
            Self::List | Self::ListOf { .. } => 7,
            Self::Class => 8,
            Self::Password => 9,
        }
    }

    #[must_use]
    pub fn is_list(self) -> bool {
        matches!(self, Self::List | Self::ListOf { .. })
    }

    #[must_use]
    pub fn is_sensitive(self) -> bool {
        matches!(self, Self::Password)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean => f.write_str("true or false"),
            Self::Int { min, max } => range(f, *min, *max, i32::MAX.into()),
            Self::Long { min, max } => range(f, *min, *max, i64::MAX),
            Self::Double { min, max } => write!(f, "a number from {min} to {max}"),
            Self::Text | Self::Class | Self::Password => f.write_str("text"),
            Self::OneOf(allowed) => write!(f, "one of {}", allowed.join(", ")),
            Self::List => f.write_str("a list separated by commas"),
            Self::ListOf { allowed, .. } => write!(f, "a list of {}", allowed.join(", ")),
        }
    }
}

fn range(f: &mut fmt::Formatter<'_>, min: i64, max: i64, top: i64) -> fmt::Result {
    match (min, max) {
        (min, max) if max == top => write!(f, "a whole number from {min}"),
        (min, max) => write!(f, "a whole number from {min} to {max}"),
    }
}

/// A parsed value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Boolean(bool),
    Number(i64),
    Double(f64),
    Text(String),
    List(Vec<String>),
}

/// Why a key or its value is refused; `INVALID_CONFIG` on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigError {
    UnknownKey {
        name: String,
        closest: Option<&'static str>,
    },
    /// `needed` says what the key takes.
    Value {
        name: &'static str,
        got: String,
        needed: String,
    },
    Null {
        name: String,
    },
    Conflict {
        low: &'static str,
        low_value: i64,
        high: &'static str,
        high_value: i64,
    },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownKey { name, closest: Some(closest) } => {
                write!(f, "unknown configuration key {name}; did you mean {closest}?")
            }
            Self::UnknownKey { name, closest: None } => {
                write!(f, "unknown configuration key {name}")
            }
            Self::Value { name, got, needed } => {
                write!(f, "invalid value {got:?} for {name}: it takes {needed}")
            }
            Self::Null { name } => write!(f, "{name} needs a value"),
            Self::Conflict { low, low_value, high, high_value } => {
                write!(f, "{low} ({low_value}) must not exceed {high} ({high_value})")
            }
        }
    }
}

impl core::error::Error for ConfigError {}

/// Reads a value as Kafka's `ConfigDef` does: spaces around it do not count, booleans in any case,
/// numbers in decimal without units, lists separated by commas.
///
/// # Errors
/// The text is not of the key's kind, or outside its bounds.
pub fn parse(key: &Key, text: &str) -> Result<Value, ConfigError> {
    let trimmed = text.trim();
    let value = match key.kind {
        Kind::Boolean => match () {
            () if trimmed.eq_ignore_ascii_case("true") => Some(Value::Boolean(true)),
            () if trimmed.eq_ignore_ascii_case("false") => Some(Value::Boolean(false)),
            () => None,
        },
        Kind::Int { min, max } | Kind::Long { min, max } => {
            let number = trimmed.parse().ok();
            number.filter(|number| (min..=max).contains(number)).map(Value::Number)
        }
        Kind::Double { min, max } => {
            let number = trimmed.parse().ok();
            number.filter(|number| (min..=max).contains(number)).map(Value::Double)
        }
        Kind::OneOf(allowed) => allowed.contains(&trimmed).then(|| Value::Text(trimmed.to_owned())),
        Kind::Text | Kind::Class | Kind::Password => Some(Value::Text(trimmed.to_owned())),
        Kind::List => Some(Value::List(list_items(trimmed))),
        Kind::ListOf { allowed, may_be_empty } => {
            let items = list_items(trimmed);
            let fits = items.iter().all(|item| allowed.contains(&item.as_str()))
                && (may_be_empty || !items.is_empty());
            fits.then_some(Value::List(items))
        }
    };
    value.ok_or_else(|| {
        let got = if key.kind.is_sensitive() { "[hidden]" } else { text };
        let needed = key.kind.to_string();
        ConfigError::Value { name: key.name, got: got.to_owned(), needed }
    })
}

/// The items of a list value; an empty text is an empty list.
#[must_use]
pub fn list_items(text: &str) -> Vec<String> {
    let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
    items.map(str::to_owned).collect()
}

/// Checks a topic's own configuration as a whole.
///
/// # Errors
/// The first key that is unknown, has a wrong value or contradicts another.
pub fn validate_topic(configs: &BTreeMap<String, String>) -> Result<(), ConfigError> {
    for (name, text) in configs {
        let key = topic_key(name).ok_or_else(|| ConfigError::UnknownKey {
            name: name.clone(),
            closest: super::closest(name, super::TOPIC),
        })?;
        parse(key, text)?;
    }
    let number = |name| configs.get(name).and_then(|text| text.trim().parse::<i64>().ok());
    let (low, high) = ("min.compaction.lag.ms", "max.compaction.lag.ms");
    let (low_value, high_value) = (number(low).unwrap_or(0), number(high).unwrap_or(i64::MAX));
    if low_value > high_value {
        return Err(ConfigError::Conflict { low, low_value, high, high_value });
    }
    Ok(())
}
