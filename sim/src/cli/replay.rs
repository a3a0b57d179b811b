//! `sim replay`: a failure again, with everything that may explain it.

use std::process::ExitCode;

use model::Instant;

use super::{COMMIT, Subject, quiet_panics, refuse, run_plan, show};
use crate::cluster::{BEGINNING_NS, NODE_ID};
use crate::run::{Options, Verdict};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    subject: Subject,
    /// The commit that failed, its whole hash or the first 7 characters of it or more. Another build is
    /// refused, since it is another run.
    #[arg(long)]
    commit: Option<String>,
    /// Stop at this second of the world's clock, such as 6.97. It begins at 1, and every printed time is
    /// of it.
    #[arg(long, value_name = "SECONDS", value_parser = world_time)]
    until: Option<Instant>,
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

/// A time on the world's clock, in seconds with as many decimals as it has.
fn world_time(text: &str) -> Result<Instant, String> {
    let wrong = || format!("`{text}` is no number of seconds, such as 6.97");
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |part: &str| part.bytes().all(|it| it.is_ascii_digit()) && !part.is_empty();
    if !is_number(whole) || !is_number(decimals) || decimals.len() > 9 {
        return Err(wrong());
    }
    let seconds: u64 = whole.parse().map_err(|_| wrong())?;
    let decimals: u64 = format!("{decimals:0<9}").parse().map_err(|_| wrong())?;
    let at_ns = seconds.checked_mul(1_000_000_000).and_then(|it| it.checked_add(decimals));
    let at_ns = at_ns.ok_or_else(wrong)?;
    if at_ns <= BEGINNING_NS {
        return Err(format!(
            "nothing happens before {:?}, when the world begins",
            Instant(BEGINNING_NS)
        ));
    }
    Ok(Instant(at_ns))
}

/// Characters of a hash that say which commit is meant, as in git.
const PREFIX_MIN: usize = 7;

/// Why a failure of this commit is none of a build, if it is not.
fn other_build(failed: &str, build: &str) -> Option<String> {
    if failed == build {
        return None;
    }
    let is_hash = failed.bytes().all(|it| it.is_ascii_hexdigit());
    let (hash, changes) = failed.split_once('+').unwrap_or((failed, ""));
    if hash.len() < PREFIX_MIN || (!is_hash && changes != "dirty") {
        return Some(format!(
            "`{failed}` is no commit: give its hash, or the first {PREFIX_MIN} characters or more"
        ));
    }
    let (failed_hash, build_hash) = (hash.to_ascii_lowercase(), build.trim_end_matches("+dirty"));
    let is_same = failed_hash.starts_with(build_hash) || build_hash.starts_with(&failed_hash);
    if is_same && is_hash && build_hash == build {
        return None;
    }
    Some(match is_same {
        true => format!(
            "this build is of {build}, the failure of {failed}: a tree with changes (+dirty) is not \
             its commit"
        ),
        false => {
            format!("this build is of commit {build}, the failure of {failed}: check that one out")
        }
    })
}

pub(super) fn replay(args: &Args) -> ExitCode {
    if let Some(reason) = args.commit.as_deref().and_then(|commit| other_build(commit, COMMIT)) {
        return refuse(&reason);
    }
    if let Some(node) = args.log.filter(|node| *node != NODE_ID.0) {
        return refuse(&format!("there is no node {node}: the only one is node {NODE_ID}"));
    }
    let plan = match args.subject.plan() {
        Ok(plan) => plan,
        Err(reason) => return refuse(&reason),
    };
    let until_ns = args.until.map(|until| until.0);
    let options = Options { until_ns, ..args.subject.options(quiet_panics()) };
    let report = match run_plan(&plan, &options) {
        Ok(report) => report,
        Err(reason) => return refuse(&reason),
    };
    if let Some(node) = args.log {
        show::print_lines(report.lines.iter().filter(|line| line.node.0 == node));
    }
    if args.events {
        out!("{}", report.last_events);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_decimals_and_lies_after_the_beginning() {
        assert_eq!(world_time("12"), Ok(Instant(12_000_000_000)));
        assert_eq!(world_time("6.97"), Ok(Instant(6_970_000_000)));
        assert_eq!(world_time("6.968274123"), Ok(Instant(6_968_274_123)));
        for wrong in ["", ".", "6.", ".5", "-1", "6.9682741230", "6s", "99999999999999999999"] {
            assert!(world_time(wrong).unwrap_err().contains("no number"), "{wrong}");
        }
        for early in ["0", "0.5", "1"] {
            assert!(world_time(early).unwrap_err().contains("world begins"), "{early}");
        }
    }

    #[test]
    fn a_commit_is_told_by_any_part_of_its_hash_that_is_long_enough() {
        const BUILD: &str = "0123456789ab";
        let same = ["0123456", "01234567", BUILD, "0123456789abcdef0123456789abcdef01234567"];
        for commit in same {
            assert_eq!(other_build(commit, BUILD), None);
        }
        assert_eq!(other_build("0123456789AB", BUILD), None);
        for commit in ["", "012345", "the newest", "0123456+odd"] {
            assert!(other_build(commit, BUILD).unwrap().contains("is no commit"), "{commit}");
        }
        assert!(other_build("0123457", BUILD).unwrap().contains("check that one out"));
    }

    #[test]
    fn a_tree_with_changes_is_not_its_commit() {
        let (clean, dirty) = ("0123456789ab", "0123456789ab+dirty");
        assert_eq!(other_build(dirty, dirty), None);
        assert_eq!(other_build("unknown", "unknown"), None);
        for (failed, build) in [(clean, dirty), (dirty, clean), ("0123456", dirty)] {
            assert!(other_build(failed, build).unwrap().contains("is not its commit"));
        }
    }
}
