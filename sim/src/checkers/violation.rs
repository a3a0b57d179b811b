//! What a checker reports.

use core::fmt;
use model::{Offset, TopicPartition};

/// Where in the data a property broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub at: TopicPartition,
    pub offset: Option<Offset>,
}

/// A property that did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The checker's name.
    pub checker: &'static str,
    /// Checker and kind, such as `c1-acked-stays/lost`: two runs with the same class fail for the
    /// same reason as far as a machine can tell.
    pub class: String,
    /// On the world's clock.
    pub at_ns: u64,
    pub place: Option<Place>,
    /// One sentence with the figures.
    pub text: String,
}

impl Violation {
    #[must_use]
    pub(crate) fn new(checker: &'static str, kind: &str, at_ns: u64, text: String) -> Self {
        Self { checker, class: format!("{checker}/{kind}"), at_ns, place: None, text }
    }

    #[must_use]
    pub(crate) fn at(self, at: TopicPartition, offset: Option<Offset>) -> Self {
        Self { place: Some(Place { at, offset }), ..self }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, rest_ns) = (self.at_ns / 1_000_000_000, self.at_ns % 1_000_000_000);
        write!(f, "{} at {seconds}.{rest_ns:09} s", self.class)?;
        if let Some(place) = self.place {
            write!(f, ", {}-{}", place.at.topic, place.at.partition)?;
            if let Some(offset) = place.offset {
                write!(f, " offset {offset}")?;
            }
        }
        write!(f, ": {}", self.text)
    }
}
