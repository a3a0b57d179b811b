//! Every planted bug is noticed by a checker that its row names, and placebos by none.

use std::collections::BTreeSet;

use sim::crash_points::{Options, sweep};
use sim::mutants::{MUTANTS, Mutant};

fn crash(mutant: &Mutant, stride: u64) -> Vec<String> {
    let bugs = BTreeSet::from([mutant.bug]);
    let options = Options { seed: 1, bugs, stride, stops_early: true };
    let reports = mutant.crashed.iter().map(|feature| sweep(*feature, &options));
    reports.flat_map(|report| report.violations).map(|violation| violation.class).collect()
}

#[test]
fn crash_points_notice_every_mistake_of_the_storage() {
    for mutant in MUTANTS.iter().filter(|mutant| !mutant.is_placebo()) {
        // Coarse first: most mistakes show anywhere.
        let caught = [29, 7].into_iter().any(|stride| !crash(mutant, stride).is_empty());
        assert!(caught || mutant.crashed.is_empty(), "{} was not noticed", mutant.name());
    }
}

#[test]
fn crash_points_do_not_notice_what_changes_nothing() {
    for mutant in MUTANTS.iter().filter(|mutant| mutant.is_placebo()) {
        assert_eq!(crash(mutant, 29), Vec::<String>::new(), "{}", mutant.name());
    }
}
