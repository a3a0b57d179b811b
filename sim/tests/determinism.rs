//! One plan is one run.

use sim::plan::Plan;
use sim::run::{Options, Verdict, run};

#[test]
fn the_same_plan_takes_the_same_steps() {
    for seed in [2, 4] {
        let plan = Plan::from_seed(seed);
        let hash =
            |plan: &Plan| run(plan, &Options::default()).expect("a plan that runs").trace_hash;
        assert_eq!(hash(&plan), hash(&plan), "seed {seed}");
    }
}

#[test]
fn a_plan_that_was_written_and_read_is_the_same_run() {
    let plan = Plan::from_seed(2);
    let read = Plan::from_toml(&plan.to_toml()).expect("its own form");
    let report = |plan: &Plan| run(plan, &Options::default()).expect("a plan that runs");
    assert_eq!(report(&plan).trace_hash, report(&read).trace_hash);
}

#[test]
fn without_faults_everything_is_served() {
    let plan = Plan { schedule: Vec::new(), ..Plan::from_seed(2) };
    let report = run(&plan, &Options::default()).expect("a plan that runs");
    assert_eq!(report.verdict, Verdict::Passed, "{:?}", report.violation);
    assert!(report.counters.acked_batches > 0 && report.counters.consumed_batches > 0);
}

#[test]
fn a_plan_that_asks_for_an_unknown_property_is_refused() {
    let mut plan = Plan::from_seed(2);
    plan.setup.properties.insert("log.retention.check.interval".to_owned(), "5".to_owned());
    assert!(run(&plan, &Options::default()).is_err());
}
