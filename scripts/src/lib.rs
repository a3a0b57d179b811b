//! Automation of the repository, called as `cargo x <task>`.
//!
//! Promises: every task says what it runs, ends with a non-zero exit code when anything failed, and
//! never reports as passed what it could not run.
//! Does not: decide anything about the product; it only builds, starts, drives and compares.

pub mod paths;
pub mod process;

pub mod kafka;
pub mod odradek;

pub mod abuse;
pub mod baseline;
pub mod ci;
pub mod compat;
pub mod crash;
pub mod madsim;
pub mod planted;
pub mod simulator;
pub mod tidy;
pub mod trace;

/// What a task could not do, as one sentence for the person who called it.
#[derive(Debug)]
pub struct Failed(pub String);

/// Result of a task or of one of its steps.
pub type Outcome<T = ()> = Result<T, Failed>;

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Adds to an error what was being done when it happened.
pub trait Doing<T> {
    /// Turns the error into `<what>: <error>`.
    ///
    /// # Errors
    /// The same error, with its sentence.
    fn doing(self, what: impl FnOnce() -> String) -> Outcome<T>;
}

impl<T, E: std::fmt::Display> Doing<T> for Result<T, E> {
    fn doing(self, what: impl FnOnce() -> String) -> Outcome<T> {
        self.map_err(|error| Failed(format!("{}: {error}", what())))
    }
}
