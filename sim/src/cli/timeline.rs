//! `sim timeline`: a run as a page to look at.

use std::path::PathBuf;
use std::process::ExitCode;

use super::{Subject, check_place, quiet_panics, refuse, run_plan, show, write_file};
use crate::run::{Options, Verdict};
use crate::timeline;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    subject: Subject,
    /// Where the page goes: one file that loads nothing.
    #[arg(long, value_name = "FILE")]
    html: PathBuf,
}

pub(super) fn timeline(args: &Args) -> ExitCode {
    let plan = match check_place(&args.html).and_then(|()| args.subject.plan()) {
        Ok(plan) => plan,
        Err(reason) => return refuse(&reason),
    };
    let options = Options { records: true, ..args.subject.options(quiet_panics()) };
    let report = match run_plan(&plan, &options) {
        Ok(report) => report,
        Err(reason) => return refuse(&reason),
    };
    let schedule = args.subject.schedule.as_deref();
    let replay = show::replay_line(args.subject.seed, schedule, &options.bugs);
    let page = timeline::page(&plan, &report, &replay);
    if let Err(reason) = write_file(&args.html, &page) {
        return refuse(&reason);
    }
    match (report.verdict, &report.violation) {
        (Verdict::Failed, Some(violation)) => outln!("FAILED {violation}"),
        _ => outln!("passed"),
    }
    outln!("{}: {} KiB", args.html.display(), page.len() / 1_024);
    ExitCode::SUCCESS
}
