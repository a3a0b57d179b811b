//! `sim replay`: a failure again, with everything that may explain it.

use std::process::ExitCode;

use super::{COMMIT, Subject, quiet_panics, refuse, run_plan, show};
use crate::cluster::BEGINNING_NS;
use crate::run::{Options, Verdict};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    subject: Subject,
    /// The commit that failed. Another build is refused, since it is another run.
    #[arg(long)]
    commit: Option<String>,
    /// Stop at this virtual second.
    #[arg(long, value_name = "SECONDS")]
    until: Option<u64>,
    /// Print what a node wrote for its operator.
    #[arg(long, value_name = "node=1", value_parser = node)]
    log: Option<i32>,
    /// Print the last steps of the world.
    #[arg(long)]
    events: bool,
}

fn node(text: &str) -> Result<i32, String> {
    let number = text.strip_prefix("node=").and_then(|number| number.parse().ok());
    number.ok_or_else(|| format!("`{text}` is not of the form node=1"))
}

pub(super) fn replay(args: &Args) -> ExitCode {
    if let Some(commit) = args.commit.as_ref().filter(|commit| *commit != COMMIT) {
        return refuse(&format!(
            "this build is of commit {COMMIT}, the failure of {commit}: check that one out"
        ));
    }
    let plan = match args.subject.plan() {
        Ok(plan) => plan,
        Err(reason) => return refuse(&reason),
    };
    let until_ns = args.until.map(|seconds| BEGINNING_NS + seconds * 1_000_000_000);
    let options = Options { until_ns, ..args.subject.options(quiet_panics()) };
    let report = match run_plan(&plan, &options) {
        Ok(report) => report,
        Err(reason) => return refuse(&reason),
    };
    if let Some(node) = args.log {
        show::print_lines(report.lines.iter().filter(|line| line.node.0 == node));
    }
    if args.events {
        print!("{}", report.last_events);
    }
    show::print(plan.seed, &report);
    match report.verdict {
        Verdict::Passed => ExitCode::SUCCESS,
        Verdict::Failed => {
            let Subject { seed, schedule, .. } = &args.subject;
            eprintln!("{}", show::replay_line(*seed, schedule.as_deref(), &options.bugs));
            ExitCode::FAILURE
        }
    }
}
