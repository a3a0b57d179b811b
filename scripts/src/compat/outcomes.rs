//! Outcomes of scenarios as a real Kafka gave them, to compare any broker's with.
//!
//! Promises: `scripts/compat/outcomes.txt` holds one line for each client and scenario, in order; a
//! comparison never passes where there is no line to compare with.
//! Does not: judge; what must hold on any broker is asserted by the scenarios.

use super::context::Verdict;
use crate::{Doing, Failed, Outcome, paths};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What is done with the outcomes of a run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Compare,
    Record,
}

/// Kafka's outcomes, by client and scenario.
pub(super) struct Outcomes {
    by_name: BTreeMap<(String, String), String>,
    used_to: Use,
}

impl Outcomes {
    pub(super) fn load(used_to: Use) -> Outcome<Outcomes> {
        let path = path();
        let text = std::fs::read_to_string(&path).doing(|| path.display().to_string())?;
        let mut by_name = BTreeMap::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let mut words = line.splitn(3, ' ');
            let (Some(client), Some(scenario), Some(outcome)) =
                (words.next(), words.next(), words.next())
            else {
                return Err(Failed(format!("{}: {line}", path.display())));
            };
            by_name.insert((client.to_string(), scenario.to_string()), outcome.to_string());
        }
        Ok(Outcomes { by_name, used_to })
    }

    /// The verdict on a scenario that came to an outcome.
    pub(super) fn judge(&mut self, client: &str, scenario: &str, outcome: String) -> Verdict {
        let name = (client.to_string(), scenario.to_string());
        if self.used_to == Use::Record {
            self.by_name.insert(name, outcome.clone());
            return Verdict::Ok(outcome);
        }
        match self.by_name.get(&name) {
            Some(wanted) if *wanted == outcome => Verdict::Ok(outcome),
            Some(wanted) => Verdict::Failed(difference(&outcome, wanted)),
            None => Verdict::Failed(format!("{outcome}; nothing recorded from Kafka")),
        }
    }

    /// Writes what was recorded; nothing after a comparison.
    pub(super) fn save(&self) -> Outcome {
        if self.used_to == Use::Compare {
            return Ok(());
        }
        let mut text = String::from(HEADER);
        for ((client, scenario), outcome) in &self.by_name {
            text.push_str(&format!("{client} {scenario} {outcome}\n"));
        }
        let path = path();
        std::fs::write(&path, text).doing(|| path.display().to_string())
    }
}

/// The first difference; outcomes tell one thing after the other, with bars between them.
fn difference(outcome: &str, wanted: &str) -> String {
    const BAR: &str = " | ";
    let mut told = outcome.split(BAR).zip(wanted.split(BAR));
    let (told, wanted) = told.find(|(told, wanted)| told != wanted).unwrap_or((outcome, wanted));
    format!("{told}; on Kafka {wanted}")
}

const HEADER: &str =
    "# Written by `cargo x compat --against kafka --record`: client, scenario, outcome.\n";

fn path() -> PathBuf {
    paths::root().join("scripts/compat/outcomes.txt")
}
