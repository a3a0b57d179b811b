//! What a sweep has to reach before its silence means anything.
//!
//! Promises: a rare state, a rare choice, a checker or a kind of fault that stands in a table and that
//! no run met is named. Does not: judge how often is enough.

use model::{Buggify, Site};

use crate::checkers;
use crate::faults::KINDS;
use crate::names::name_of;
use crate::sweep::Total;

/// Only replicas that follow a leader get there, and a run has one node.
const FOLLOWERS_ONLY: [&str; 2] = ["site log-truncated", "checker c14-replicas-identical"];

/// Everything that no run of the sweep has reached, each after the table that it stands in.
#[must_use]
pub fn unreached(total: &Total) -> Vec<String> {
    let sites = Site::ALL.iter().map(|site| ("site", "sites", name_of(site), ""));
    let choices = Buggify::ALL.iter().map(|it| ("choice", "rare_choices", name_of(it), ""));
    let checkers = checkers::all();
    let checkers = checkers.iter().map(|it| ("checker", "checkers", it.name().to_owned(), ""));
    let kinds = KINDS.iter().map(|kind| ("fault", "faults", kind.name.to_owned(), ".effective"));
    let all = sites.chain(choices).chain(checkers).chain(kinds);
    let missed = all
        .filter(|(_, table, name, part)| total.sum(&format!("coverage.{table}.{name}{part}")) == 0);
    let named = missed.map(|(what, _, name, _)| format!("{what} {name}"));
    named.filter(|name| !FOLLOWERS_ONLY.contains(&name.as_str())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_no_run_has_met_is_named() {
        let mut total = Total::default();
        let nothing = unreached(&total);
        for name in
            ["site cold-plan", "choice plan-cold", "checker c12-honest-errors", "fault kill"]
        {
            assert!(nothing.contains(&name.to_owned()), "{name} in {nothing:?}");
        }
        let kill = json!({ "struck": 3, "effective": 1 });
        let evict = json!({ "struck": 3, "effective": 0 });
        let faults = json!({ "kill": kill, "evict": evict });
        let coverage = json!({ "sites": { "cold-plan": 2 }, "faults": faults });
        total.add(&json!({ "verdict": "passed", "coverage": coverage }));
        let less = unreached(&total);
        assert_eq!(less.len(), nothing.len() - 2);
        assert!(less.contains(&"fault evict".to_owned()), "struck is not met");
    }
}
