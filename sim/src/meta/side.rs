//! One of the two ways in which every seed is run.

use core::ops::Range;
use std::path::PathBuf;
use std::process::Command;

use super::Fingerprint;
use crate::worker::{Silence, Worker, this_program};

/// What a run came to, or why there is none.
pub(super) type Told = Result<Fingerprint, Silence>;

pub(super) struct Side {
    /// Another build; this one when there is none.
    pub(super) program: Option<PathBuf>,
    /// One process for all seeds, in reverse order, instead of a new one for each.
    pub(super) used: bool,
    pub(super) trap_clock: bool,
}

/// Read by the allocator of glibc: fill what is given and what is taken back.
const ALLOCATOR: [(&str, &str); 1] = [("MALLOC_PERTURB_", "165")];
/// Variables without a meaning: they move the stack.
const VARIABLES: usize = 97;

impl Side {
    /// Runs every seed; the answers are in the order of `seeds`.
    ///
    /// # Errors
    /// A child cannot be started.
    pub(super) fn run_all(&self, seeds: &[u64]) -> Result<Vec<Told>, String> {
        if !self.used {
            return seeds.iter().map(|seed| Ok(ask(&mut self.start(None)?, *seed))).collect();
        }
        let mut worker = self.start(None)?;
        let mut answers = Vec::new();
        for seed in seeds.iter().rev() {
            let told = ask(&mut worker, *seed);
            if told.is_err() {
                worker = self.start(None)?;
            }
            answers.push(told);
        }
        answers.reverse();
        Ok(answers)
    }

    /// Runs one seed and keeps some of its events.
    ///
    /// # Errors
    /// The child cannot be started, or gives no answer.
    pub(super) fn run_again(&self, seed: u64, events: &Range<u64>) -> Result<Fingerprint, String> {
        ask(&mut self.start(Some(events))?, seed).map_err(|silence| silence.to_string())
    }

    fn start(&self, keep: Option<&Range<u64>>) -> Result<Worker, String> {
        let mut command = match &self.program {
            Some(program) => Command::new(program),
            None => this_program()?,
        };
        command.arg("fingerprint").env_clear();
        if self.trap_clock {
            command.arg("--trap-clock");
        }
        if let Some(events) = keep {
            command.args(["--keep", &format!("{}..{}", events.start, events.end)]);
        }
        if self.used {
            command.current_dir(std::env::temp_dir()).envs(ALLOCATOR);
            for number in 0..VARIABLES {
                command.env(format!("ODRADEK_UNREAD_{number}"), "x".repeat(number));
            }
        } else {
            command.current_dir("/");
        }
        Worker::start(&mut command)
    }
}

fn ask(worker: &mut Worker, seed: u64) -> Told {
    let value = worker.ask(seed)?;
    serde_json::from_value(value).map_err(|error| Silence::Ended(format!("it says: {error}")))
}
