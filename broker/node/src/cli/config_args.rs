//! `--config key=value`, as topics and brokers take it.

/// One assignment, checked while the command line is parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConfigValue {
    pub(crate) key: String,
    pub(crate) value: String,
}

/// `retention.ms=1000`; the value may be empty and may hold `=`.
pub(crate) fn config_value(text: &str) -> Result<ConfigValue, String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => {
            Ok(ConfigValue { key: key.trim().to_owned(), value: value.trim().to_owned() })
        }
        _ => Err("write it as KEY=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_equals_sign_ends_the_key() {
        let parsed = config_value("a.b = c=d").unwrap();
        assert_eq!((parsed.key.as_str(), parsed.value.as_str()), ("a.b", "c=d"));
        assert_eq!(config_value("a=").unwrap().value, "");
        assert!(config_value("=b").is_err());
        assert!(config_value("a").is_err());
    }
}
