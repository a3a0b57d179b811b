//! Shrinking with a run that is a rule, and with the broker.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::plan::{FaultKind, Span};
use crate::run::{Options, run};

const BOUNDS: Bounds = Bounds { runs_max: 2_000, time_max: Duration::from_secs(3_600) };

fn failure(class: &str) -> Failure {
    Failure { class: class.to_owned(), at_us: 9_000_000, operations: BTreeMap::from([(1, 300)]) }
}

/// A minute's plan with many faults, two of which are kills.
fn crowded() -> Plan {
    let is_crowded = |plan: &Plan| kills(plan) >= 2 && plan.span == Span::MINUTE;
    (0..).map(|seed| Plan::crowded(seed, 40)).find(is_crowded).expect("kills are common")
}

fn kills(plan: &Plan) -> usize {
    plan.schedule.iter().filter(|fault| fault.kind == FaultKind::Kill).count()
}

#[test]
fn only_the_faults_that_matter_are_left() {
    let mut rule = |plan: &Plan| (kills(plan) >= 2).then(|| failure("a/b"));
    let shrunk = shrink(&crowded(), BOUNDS, &mut rule, &mut |_| {}).unwrap();
    assert_eq!((shrunk.plan.schedule.len(), kills(&shrunk.plan)), (2, 2));
    assert_eq!((shrunk.after.clients, shrunk.plan.clients.len()), (0, 0));
    assert_eq!(shrunk.schedulers_failing, SCHEDULERS);
}

#[test]
fn a_failure_of_another_class_does_not_count() {
    // Without its kills the plan fails too, but otherwise.
    let mut rule = |plan: &Plan| Some(failure(if kills(plan) >= 1 { "a/b" } else { "c/d" }));
    let shrunk = shrink(&crowded(), BOUNDS, &mut rule, &mut |_| {}).unwrap();
    assert_eq!((shrunk.class.as_str(), kills(&shrunk.plan)), ("a/b", 1));
}

#[test]
fn a_failure_that_most_interleavings_do_not_show_is_shrunk_all_the_same() {
    let mut rule = |plan: &Plan| {
        let shows = plan.world_seed().is_multiple_of(3) || plan.scheduler_seed.is_none();
        (shows && kills(plan) >= 1).then(|| failure("a/b"))
    };
    let shrunk = shrink(&crowded(), BOUNDS, &mut rule, &mut |_| {}).unwrap();
    assert_eq!(shrunk.plan.schedule.len(), 1);
    assert!(rule(&shrunk.plan).is_some(), "the plan holds a seed that shows it");
}

#[test]
fn a_plan_that_passes_is_refused() {
    let refused = shrink(&crowded(), BOUNDS, &mut |_| None, &mut |_| {});
    assert_eq!(refused, Err(NotShrunk::Passes));
}

#[test]
fn runs_are_bounded() {
    let bounds = Bounds { runs_max: 30, ..BOUNDS };
    let mut rule = |plan: &Plan| (kills(plan) >= 2).then(|| failure("a/b"));
    let shrunk = shrink(&crowded(), bounds, &mut rule, &mut |_| {}).unwrap();
    assert!(shrunk.runs <= 30 + SCHEDULERS as u64, "{} runs", shrunk.runs);
}

#[test]
fn a_planted_bug_of_the_broker_becomes_a_few_faults_and_requests() {
    let bugs = BTreeSet::from([model::Bug::WrongBaseOffsetTold]);
    let options = Options { bugs, ..Options::default() };
    let mut run = |plan: &Plan| Failure::of(&run(plan, &options).ok()?);
    let is_meant = |plan: &Plan| run(plan).is_some_and(|it| it.class.starts_with("c1-acked-stays"));
    let plan = (0..).map(|seed| Plan::crowded(seed, 30)).find(|plan| is_meant(plan));
    let bounds = Bounds { runs_max: 60, ..BOUNDS };
    let shrunk = shrink(&plan.unwrap(), bounds, &mut run, &mut |_| {}).unwrap();
    assert!(shrunk.before.faults >= 30);
    assert!(shrunk.after.faults <= 5 && shrunk.after.operations <= 30, "{}", shrunk.after);
}
