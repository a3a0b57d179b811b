//! Where results go.

use core::fmt::Display;
use serde::Serialize;
use std::io::Write;

/// How a result is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Table,
    Json,
}

impl Format {
    /// Prints a result: the value as JSON, or what `table` makes of it.
    pub(crate) fn print<T: Serialize + ?Sized, D: Display>(
        self,
        value: &T,
        table: impl FnOnce(&T) -> D,
    ) {
        match self {
            Self::Json => say(&format!("{}\n", json(value))),
            Self::Table => say(&table(value).to_string()),
        }
    }

    /// A line for a person; programs that asked for JSON have the exit code.
    pub(crate) fn done(self, line: &str) {
        if self == Self::Table {
            say(&format!("{line}\n"));
        }
    }
}

pub(crate) fn json<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string_pretty(value).expect("our own structures are valid JSON")
}

/// Writes to standard output. A reader that has seen enough, such as `head`, is no failure.
pub(crate) fn say(text: &str) {
    let mut out = std::io::stdout();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Says on standard error what went wrong or needs to be known.
pub(crate) fn complain(text: &str) {
    eprintln!("broker: {text}");
}
