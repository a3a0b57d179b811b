//! Every planted bug is noticed by a checker that its row names, and placebos by none.
//!
//! Bugs of the storage show at crash points. The others have a plan in `sim/teeth/`, named after the
//! bug: few clients and one or two faults that lead straight to it.

#![expect(clippy::disallowed_methods, reason = "the test reads the plans that it is about")]

use std::collections::BTreeSet;
use std::path::Path;

use sim::crash_points::{Options, sweep};
use sim::mutants::{MUTANTS, Mutant};
use sim::plan::Plan;
use sim::run::{self, Verdict, run};

/// Seeds of the world under which each plan must show its bug.
const SEEDS_PER_PLAN: u64 = 3;

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

/// The plan of `sim/teeth/` that leads to a mutant.
fn plan(mutant: &Mutant) -> Option<Plan> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("teeth");
    let text = std::fs::read_to_string(directory.join(mutant.name() + ".toml")).ok()?;
    Some(Plan::from_toml(&text).unwrap_or_else(|why| panic!("{}: {why}", mutant.name())))
}

#[test]
fn a_run_notices_each_mistake_and_nothing_without_it() {
    for mutant in MUTANTS.iter().filter(|mutant| !mutant.is_placebo()) {
        let Some(plan) = plan(mutant) else {
            assert!(!mutant.crashed.is_empty(), "{} has no plan in sim/teeth", mutant.name());
            continue;
        };
        for shift in 0..SEEDS_PER_PLAN {
            let plan = Plan { seed: plan.seed + shift, ..plan.clone() };
            let of = |bugs| {
                let options = run::Options { bugs, ..run::Options::default() };
                run(&plan, &options).expect("a plan that runs")
            };
            let (name, seed) = (mutant.name(), plan.seed);
            let clean = of(BTreeSet::new());
            assert_eq!(clean.verdict, Verdict::Passed, "{name} {seed}: {:?}", clean.violation);
            let violation = of(BTreeSet::from([mutant.bug])).violation;
            let checker = violation.as_ref().map(|found| found.checker);
            let is_caught = checker.is_some_and(|checker| mutant.expects(checker));
            assert!(is_caught, "{name} under seed {seed} gives {violation:?}");
        }
    }
}
