//! Plans that failed once, as they are in `sim/regressions/`: each must pass under four seeds.
//!
//! The schedule and the clients are data, independent of how plans are drawn now. The code around
//! them moves, and with it the interleaving: so each runs under several seeds of the world.

#![expect(clippy::disallowed_methods, reason = "the test reads the files that it is about")]

use std::path::Path;

use sim::plan::{Plan, SEED_MAX};
use sim::run::{Options, Verdict, run};

const SEEDS_PER_PLAN: u64 = 4;

#[test]
fn no_failure_comes_back() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("regressions");
    let entries = std::fs::read_dir(&directory).expect("sim/regressions");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("a directory").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    assert!(!paths.is_empty(), "no plan in {}", directory.display());
    for path in paths {
        let text = std::fs::read_to_string(&path).expect("a plan");
        let plan = Plan::from_toml(&text).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        for shift in 0..SEEDS_PER_PLAN {
            let scheduler_seed = (plan.world_seed() + shift) % SEED_MAX;
            let plan = Plan { scheduler_seed: Some(scheduler_seed), ..plan.clone() };
            let report = run(&plan, &Options::default()).expect("a plan that runs");
            let violation = report.violation;
            let verdict = report.verdict;
            assert_eq!(verdict, Verdict::Passed, "{path:?}, {scheduler_seed}: {violation:?}");
        }
    }
}
