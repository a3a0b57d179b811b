//! A topic pattern: which topics a member's regular expression stands for.
//!
//! Promises: matches whole names, as Kafka's coordinator does; a pattern's compiled size is bounded
//! and matching takes time linear in the name, whatever a client sends.
//! Does not: accept everything that RE2/J does; `\Q…\E` and `\C` are refused as invalid.
//! Source: KIP-848, Kafka `GroupMetadataManager.throwIfRegularExpressionIsInvalid`.

use regex::{Regex, RegexBuilder};

/// Largest pattern in bytes. Kafka has no bound of its own.
pub(super) const PATTERN_BYTES_MAX: usize = 4_096;
/// Largest compiled pattern, in bytes of memory.
const COMPILED_BYTES_MAX: usize = 256 << 10;

#[derive(Debug)]
pub(super) struct TopicPattern(Regex);

impl TopicPattern {
    /// # Errors
    /// A sentence for the client: the pattern does not parse, or is too large.
    pub(super) fn new(pattern: &str) -> Result<Self, String> {
        if pattern.len() > PATTERN_BYTES_MAX {
            return Err(format!("it is longer than {PATTERN_BYTES_MAX} bytes"));
        }
        let compile = |text: &str| {
            RegexBuilder::new(text)
                .size_limit(COMPILED_BYTES_MAX)
                .dfa_size_limit(COMPILED_BYTES_MAX)
                .build()
                .map_err(|error| error.to_string())
        };
        // Alone first: the frame below must not lend a stray parenthesis its partner.
        compile(pattern)?;
        compile(&format!("^(?:{pattern})$")).map(Self)
    }

    pub(super) fn matches(&self, topic_name: &str) -> bool {
        self.0.is_match(topic_name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_whole_names() {
        let pattern = TopicPattern::new("a|b+").unwrap();
        assert!(pattern.matches("a") && pattern.matches("bb"));
        assert!(!pattern.matches("ab") && !pattern.matches("xa"));
    }

    #[test]
    fn a_pattern_that_does_not_parse_or_is_too_large_is_refused() {
        for pattern in ["(", "a)(b", "[", "(a{1000}){1000}", &"x".repeat(PATTERN_BYTES_MAX + 1)] {
            assert!(TopicPattern::new(pattern).is_err(), "{pattern:.20}");
        }
    }
}
