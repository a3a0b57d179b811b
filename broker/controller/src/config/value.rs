//! Reading and checking one value, as Kafka's `ConfigDef` does.

use core::fmt;

use super::{Bounds, Definition, Kind};

/// Why a value cannot be what its key wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    pub name: String,
    pub value: String,
    pub reason: String,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Invalid value {} for configuration {}: {}", self.value, self.name, self.reason)
    }
}

/// `true` or `false`, any case.
#[must_use]
pub fn boolean(text: &str) -> Option<bool> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

/// A decimal integer.
#[must_use]
pub fn integer(text: &str) -> Option<i64> {
    text.trim().parse().ok()
}

/// Elements between commas, trimmed; an empty text is the empty list.
pub fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|element| !element.is_empty())
}

impl Definition {
    /// Checks a value against the key's type and bounds.
    ///
    /// # Errors
    /// What is wrong with it, in words for the one who set it.
    pub fn validate(&self, text: &str) -> Result<(), Invalid> {
        let invalid = |reason: String| Invalid {
            name: self.name.to_owned(),
            value: if self.is_sensitive() { "[hidden]".to_owned() } else { text.to_owned() },
            reason,
        };
        match self.kind {
            Kind::Boolean => match boolean(text) {
                Some(_) => Ok(()),
                None => Err(invalid("expected true or false".to_owned())),
            },
            Kind::Int | Kind::Short | Kind::Long => {
                let (low, high) = match self.kind {
                    Kind::Int => (i64::from(i32::MIN), i64::from(i32::MAX)),
                    Kind::Short => (i64::from(i16::MIN), i64::from(i16::MAX)),
                    _ => (i64::MIN, i64::MAX),
                };
                let number = integer(text)
                    .filter(|number| (low..=high).contains(number))
                    .ok_or_else(|| invalid(format!("not a whole number in {low}..={high}")))?;
                match self.bounds {
                    Bounds::AtLeast(least) if number < least => {
                        Err(invalid(format!("must be at least {least}")))
                    }
                    Bounds::Between(least, most) if !(least..=most).contains(&number) => {
                        Err(invalid(format!("must be between {least} and {most}")))
                    }
                    _ => Ok(()),
                }
            }
            Kind::Double => {
                let number: f64 =
                    text.trim().parse().map_err(|_| invalid("not a number".to_owned()))?;
                let fits = self.bounds != Bounds::Fraction || (0.0..=1.0).contains(&number);
                if fits { Ok(()) } else { Err(invalid("must be between 0 and 1".to_owned())) }
            }
            Kind::List => match self.bounds {
                Bounds::OneOf(words) => match list(text).find(|e| !words.contains(e)) {
                    None => Ok(()),
                    Some(_) => Err(invalid(format!("each must be one of {}", words.join(", ")))),
                },
                _ => Ok(()),
            },
            Kind::String | Kind::Class | Kind::Password => match self.bounds {
                Bounds::OneOf(words) if !words.contains(&text.trim()) => {
                    Err(invalid(format!("must be one of {}", words.join(", "))))
                }
                _ => Ok(()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{broker_definition, topic_definition};

    #[test]
    fn every_default_passes_its_own_check() {
        for definition in crate::config::BROKER {
            if let Some(default) = definition.default {
                assert_eq!(definition.validate(default), Ok(()), "{}", definition.name);
            }
        }
        for topic in crate::config::TOPIC {
            if let Some(default) = topic.definition.default {
                assert_eq!(topic.definition.validate(default), Ok(()), "{}", topic.definition.name);
            }
        }
    }

    #[test]
    fn a_refusal_names_key_value_and_reason() {
        let check = |name: &str, value: &str| {
            let topic = topic_definition(name).map(|t| &t.definition);
            let definition = topic.or_else(|| broker_definition(name)).unwrap();
            definition.validate(value).unwrap_err().to_string()
        };
        assert_eq!(
            check("segment.bytes", "12"),
            "Invalid value 12 for configuration segment.bytes: must be at least 1048576"
        );
        assert_eq!(
            check("cleanup.policy", "compact,forget"),
            "Invalid value compact,forget for configuration cleanup.policy: each must be one of compact, delete"
        );
        assert_eq!(
            check("min.cleanable.dirty.ratio", "1.5"),
            "Invalid value 1.5 for configuration min.cleanable.dirty.ratio: must be between 0 and 1"
        );
        assert_eq!(
            check("num.partitions", "many"),
            "Invalid value many for configuration num.partitions: not a whole number in -2147483648..=2147483647"
        );
    }
}
