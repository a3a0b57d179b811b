//! What comes of judging a history file, and its text.

use core::fmt;
use model::TopicId;

use client::history::{End, HistoryError};

use super::super::Violation;

/// Why there is no verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckError {
    History(HistoryError),
    /// The writer had no room for so many entries: what is missing could be anywhere.
    Incomplete {
        dropped_count: u64,
    },
}

impl fmt::Display for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::History(error) => error.fmt(f),
            Self::Incomplete { dropped_count } => write!(
                f,
                "{dropped_count} entries found no room when the history was written: repeat the run \
                 at a lower rate"
            ),
        }
    }
}

impl core::error::Error for CheckError {}

impl From<HistoryError> for CheckError {
    fn from(error: HistoryError) -> Self {
        Self::History(error)
    }
}

/// What the checkers say about a history.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HistoryVerdict {
    pub produced_batches: u64,
    pub consumed_batches: u64,
    pub acked_records: u64,
    pub consumed_records: u64,
    /// `None`: the file was cut.
    pub end: Option<End>,
    /// For the texts.
    pub(super) topics: Vec<(TopicId, String)>,
    pub checked: Vec<Checked>,
}

/// One checker's part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    pub name: &'static str,
    pub evaluations: u64,
    pub violation_count: u64,
    /// The first few.
    pub examples: Vec<Violation>,
}

/// What a history proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ruling {
    /// All of it was judged, and nothing is wrong.
    Clean,
    /// Something is wrong, in what there is.
    Violated,
    /// Nothing is wrong in what there is, and there was more: the end is missing.
    Incomplete,
    /// No checker had anything to judge.
    Nothing,
}

impl HistoryVerdict {
    #[must_use]
    pub fn ruling(&self) -> Ruling {
        if self.checked.iter().any(|checked| checked.violation_count > 0) {
            Ruling::Violated
        } else if self.end.is_none() {
            Ruling::Incomplete
        } else if self.checked.iter().all(|checked| checked.evaluations == 0) {
            Ruling::Nothing
        } else {
            Ruling::Clean
        }
    }

    /// Such as ` in orders-3 at 17`.
    fn place_text(&self, violation: &Violation) -> String {
        let Some(place) = violation.place else { return String::new() };
        let known = self.topics.iter().find(|(id, _)| *id == place.at.topic);
        let topic = known.map_or_else(|| place.at.topic.to_string(), |(_, name)| name.clone());
        let offset = place.offset.map(|offset| format!(" at {offset}")).unwrap_or_default();
        format!(" in {topic}-{}{offset}", place.at.partition)
    }
}

impl fmt::Display for HistoryVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} produced batches ({} records acknowledged), {} consumed batches ({} records), \
             warm-up included",
            self.produced_batches, self.acked_records, self.consumed_batches, self.consumed_records
        )?;
        match self.end {
            None => writeln!(
                f,
                "the history has no end entry: the file was cut or its writer was killed, and what \
                 came after is not judged"
            )?,
            Some(End { caught_up: false, .. }) => {
                writeln!(f, "the consumers had not read everything when it ended")?;
            }
            Some(_) => {}
        }
        for checked in &self.checked {
            let Checked { name, evaluations, violation_count, .. } = checked;
            writeln!(
                f,
                "{name:<24} {evaluations:>12} evaluations {violation_count:>8} violations"
            )?;
            for example in &checked.examples {
                writeln!(f, "    {}{}: {}", example.class, self.place_text(example), example.text)?;
            }
        }
        let verdict = match self.ruling() {
            Ruling::Clean => "clean",
            Ruling::Violated => "violated",
            Ruling::Incomplete => "incomplete",
            Ruling::Nothing => "nothing to judge, no batch was acknowledged or consumed",
        };
        write!(f, "verdict: {verdict}")
    }
}
