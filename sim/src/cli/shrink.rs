//! `sim shrink`: a failure made small, written as a plan that replays it.

use core::time::Duration;
use std::path::PathBuf;
use std::process::ExitCode;

use super::{COMMIT, Subject, check_place, quiet_panics, refuse, run_plan, show, write_file};
use crate::mutants::{MUTANTS, Mutant};
use crate::names::name_of;
use crate::plan::Plan;
use crate::run::Options;
use crate::shrink::{
    Bounds, Failure, NotShrunk, SCHEDULERS, Shrunk, is_active, shrink as make_small,
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    subject: Subject,
    /// Where the small plan goes, such as `sim/regressions/lost-ack.toml`.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// With --bug: take whatever the plan fails as, also what the bug is not counted by.
    #[arg(long)]
    any_failure: bool,
    /// Add drawn faults until the schedule has so many.
    #[arg(long, default_value_t = 0, conflicts_with = "schedule")]
    faults_min: usize,
    /// Take a failure before which clients made so many requests; with --tries.
    #[arg(long, default_value_t = 0, conflicts_with = "schedule")]
    operations_min: u64,
    /// If the seed passes, take the first of the next so many that fails.
    #[arg(long, default_value_t = 0, conflicts_with = "schedule")]
    tries: u64,
    /// Stop trying after so many runs.
    #[arg(long, default_value_t = 5_000)]
    runs_max: u64,
    /// Stop trying after so many seconds.
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    time_max: u64,
}

/// A candidate may take so many times the events of the failure; what takes more hangs.
const PATIENCE: u64 = 4;
const EVENTS_MIN: u64 = 1_000_000;

pub(super) fn shrink(args: &Args) -> ExitCode {
    let found = check_place(&args.out).and_then(|()| find(args));
    match found.and_then(|plan| shrink_plan(args, &plan)) {
        Ok(shrunk) => tell(args, &shrunk),
        Err(reason) => refuse(&reason),
    }
}

/// The plan to shrink.
fn find(args: &Args) -> Result<Plan, String> {
    let wants_more = args.tries + args.operations_min > 0 || args.faults_min > 0;
    if args.subject.schedule.is_some() || !wants_more {
        return args.subject.plan();
    }
    let first = args.subject.seed.ok_or("give --seed, or --schedule, or both")?;
    let mut plans = (first..=first + args.tries).map(|seed| Plan::crowded(seed, args.faults_min));
    let mut runner = Runner::new(args);
    let is_meant = |plan: &Plan| {
        let failure = runner.run(plan);
        failure.is_some_and(|it| it.operations.values().sum::<u64>() >= args.operations_min)
    };
    let found = plans.find(is_meant);
    found.ok_or_else(|| {
        let last = runner.aside.map(|it| format!("; the last: {it}")).unwrap_or_default();
        format!("{} seeds: none fails like that{last}", args.tries + 1)
    })
}

fn shrink_plan(args: &Args, plan: &Plan) -> Result<Shrunk, String> {
    let mut runner = Runner::new(args);
    let mut run = |plan: &Plan| {
        let failure = runner.run(plan)?;
        runner.events_max.get_or_insert(runner.events.saturating_mul(PATIENCE).max(EVENTS_MIN));
        Some(failure)
    };
    let bounds = Bounds { runs_max: args.runs_max, time_max: Duration::from_secs(args.time_max) };
    let tell = &mut |line: &str| outln!("{line}");
    make_small(plan, bounds, &mut run, tell).map_err(|reason| match (reason, runner.aside) {
        (NotShrunk::Passes, Some(aside)) => aside,
        (reason, _) => reason.to_string(),
    })
}

struct Runner {
    clean: Options,
    planted: Options,
    any_failure: bool,
    /// Of the last run.
    events: u64,
    events_max: Option<u64>,
    /// How the last run failed, if that does not count.
    aside: Option<String>,
}

impl Runner {
    fn new(args: &Args) -> Self {
        let clean = quiet_panics();
        let planted = args.subject.options(clean.clone());
        let any_failure = args.any_failure;
        Self { clean, planted, any_failure, events: 0, events_max: None, aside: None }
    }

    /// How the plan fails. With a planted bug only what its row in the table of mutants expects counts,
    /// and nothing that the broker shows without it.
    fn run(&mut self, plan: &Plan) -> Option<Failure> {
        let bounded =
            |options: &Options| Options { events_max: self.events_max, ..options.clone() };
        self.aside = None;
        let report = run_plan(plan, &bounded(&self.planted)).ok()?;
        self.events = report.counters.events;
        let failure = Failure::of(&report)?;
        let needs_proof = !self.planted.bugs.is_empty() && !self.any_failure;
        self.aside = needs_proof.then(|| self.unproved(&failure)).flatten();
        if needs_proof && self.aside.is_none() {
            let clean = run_plan(plan, &bounded(&self.clean)).ok()?;
            let is_same = Failure::of(&clean).is_some_and(|it| it.class == failure.class);
            self.aside = is_same.then(|| {
                format!(
                    "the plan fails as {} without the bug too: shrink it without",
                    failure.class
                )
            });
        }
        self.aside.is_none().then_some(failure)
    }

    /// What to say of a failure that proves nothing about the planted bugs.
    fn unproved(&self, failure: &Failure) -> Option<String> {
        let is_planted = |it: &&Mutant| self.planted.bugs.contains(&it.bug);
        let planted = || MUTANTS.iter().filter(is_planted);
        if planted().any(|mutant| mutant.expects(&failure.class)) {
            return None;
        }
        let expected: Vec<&str> = planted().flat_map(|it| it.expected).copied().collect();
        let class = &failure.class;
        Some(format!(
            "the plan fails as {class}, and the bug counts as noticed only by {}: \
             --any-failure shrinks it all the same",
            if expected.is_empty() { "nobody".to_owned() } else { expected.join(", ") }
        ))
    }
}

fn tell(args: &Args, shrunk: &Shrunk) -> ExitCode {
    let replay = show::replay_line(None, Some(args.out.as_path()), &args.subject.bugs());
    let text = format!("{}{}", preface(args, shrunk), shrunk.plan.to_toml());
    if let Err(reason) = write_file(&args.out, &text) {
        return refuse(&reason);
    }
    outln!(
        "{} under {} of {SCHEDULERS} scheduler seeds, {} runs, {}.{} s\nfrom {}\nto   {}",
        shrunk.class,
        shrunk.schedulers_failing,
        shrunk.runs,
        shrunk.wall.as_secs(),
        shrunk.wall.subsec_millis() / 100,
        shrunk.before,
        shrunk.after
    );
    outln!("{replay}");
    ExitCode::SUCCESS
}

/// Why there are clients that do nothing.
const IDLE: &str = "# Clients with rounds_max = 0 or without operations do nothing, and their topics need not be there.\n\
                    # They stay because those after them would get other numbers, and draw otherwise.\n";

/// What a reader of the file wants to know first, as comments.
fn preface(args: &Args, shrunk: &Shrunk) -> String {
    let bugs = args.subject.bugs();
    let planted: Vec<String> = bugs.iter().map(name_of).collect();
    let planted = match planted.is_empty() {
        true => String::new(),
        false => format!("# With the planted bug {}.\n", planted.join(", ")),
    };
    let idle = if shrunk.plan.clients.iter().all(is_active) { "" } else { IDLE };
    format!(
        "# {}\n{planted}# Commit {COMMIT}; under {} of {SCHEDULERS} scheduler seeds.\n\
         # From {}\n# to {}.\n{idle}",
        shrunk.class, shrunk.schedulers_failing, shrunk.before, shrunk.after
    )
}
