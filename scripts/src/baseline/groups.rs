//! Rows about consumer groups.

use super::measure::{self, Load};
use super::node::Node;
use super::rows::{GroupWork, Row};
use super::{Arguments, render};
use crate::{Failed, Outcome};
use serde_json::{Value, json};
use std::path::Path;

const RATE: u32 = 50_000;
/// Commit requests a second, each of 6 partitions: as many as 1,000 consumers send at Kafka's default
/// interval of 5 s.
const COMMITS_PER_S: u32 = 200;
/// Measured windows with commits, each next to one without.
const PAIRS: u32 = 12;
/// A million offsets, ten in a request.
const RELOAD_REQUESTS: u32 = 100_000;
const RELOAD_PARTITIONS: u32 = 10;

/// Runs the row against a started node that has the machine to itself.
pub(super) fn on(
    node: &Node,
    row: &Row,
    work: GroupWork,
    topic: &str,
    args: &Arguments,
    json: &Path,
) -> Outcome<Value> {
    // Groups are named after the topic, so that those of each run are new.
    let and_delete = |command: &str, options: &[(&str, String)]| {
        let result = measure::drive(command, node, topic, args.duration, options)?;
        measure::drive("delete", node, topic, args.duration, &[])?;
        Ok(result)
    };
    match work {
        GroupWork::Join => and_delete("join", &[]),
        GroupWork::Members => {
            let duration = [("--duration-s", args.duration.as_secs_f64().to_string())];
            and_delete("members", &duration)
        }
        GroupWork::Commits => beside_commits(node, row, args, json),
        GroupWork::Reload => unreachable!("it starts a node of its own"),
    }
}

/// The same load without and with commits, in turns that change their order.
fn beside_commits(node: &Node, row: &Row, args: &Arguments, json: &Path) -> Outcome<Value> {
    let load = Load::of_100_bytes(row.name, RATE);
    let other = format!("{}-other", row.name);
    let window = args.warmup + args.duration;
    let requests = (window.as_secs_f64() * f64::from(COMMITS_PER_S)).ceil();
    let options = [("--rate", COMMITS_PER_S.to_string()), ("--requests", format!("{requests:.0}"))];
    let alone = || measure::loadgen(node, load, args, json);
    let disturbed = || {
        std::thread::scope(|scope| {
            let commits = scope.spawn(|| measure::drive("commits", node, &other, window, &options));
            let disturbed = measure::loadgen(node, load, args, json);
            let commits = commits.join().expect("it does not panic");
            Ok::<_, Failed>((disturbed?, commits?))
        })
    };
    let (mut pairs, mut ratios) = (Vec::new(), Vec::new());
    for pair in 0..PAIRS {
        let (alone, (disturbed, commits)) = if pair % 2 == 0 {
            let first = alone()?;
            (first, disturbed()?)
        } else {
            let first = disturbed()?;
            (alone()?, first)
        };
        let (before, beside) = (measure::p99_us(&alone)?, measure::p99_us(&disturbed)?);
        ratios.push(beside / before);
        pairs.push(json!({
            "alone_p99_us": before,
            "beside_p99_us": beside,
            "commit_p99_ms": commits["p99_ms"],
        }));
    }
    measure::drive("delete", node, &other, args.duration, &[])?;
    ratios.sort_by(f64::total_cmp);
    let (low, high) = median_interval(&ratios);
    let median = render::median(ratios);
    Ok(json!({ "pairs": pairs, "ratio_median": median, "ratio_low": low, "ratio_high": high }))
}

/// Between which two of the sorted values the median of what they were drawn from lies, with at least
/// 95 % certainty; the first and the last where there are too few for that.
///
/// The number of values below the true median is binomial with probability one half.
fn median_interval(sorted: &[f64]) -> (f64, f64) {
    let count = sorted.len();
    let mut term = 0.5_f64.powi(i32::try_from(count).unwrap_or(i32::MAX));
    let (mut below, mut rank) = (term, 0);
    while below <= 0.025 && rank < count / 2 {
        rank += 1;
        term *= (count - rank + 1) as f64 / rank as f64;
        below += term;
    }
    let rank = rank.saturating_sub(1);
    (sorted[rank], sorted[count - 1 - rank])
}

/// A node with a million commits in one partition stops and starts.
pub(super) fn reload(node: &mut Node, row: &Row, args: &Arguments) -> Outcome<Value> {
    let beside = format!("{}-beside", row.name);
    node.start()?;
    let one = [("--partitions", "1".to_owned())];
    measure::drive("topic", node, &beside, args.duration, &one)?;
    let commits = [
        ("--groups", "1".to_owned()),
        ("--partitions", RELOAD_PARTITIONS.to_string()),
        ("--requests", RELOAD_REQUESTS.to_string()),
    ];
    let committed = measure::drive("commits", node, row.name, args.duration, &commits)?;
    node.stop()?;
    measure::settle()?;
    let start_ms = node.start()?;
    let reloaded =
        measure::drive("reload", node, row.name, args.duration, &[("--beside", beside)])?;
    node.stop()?;
    let offsets_ms = reloaded["offsets_ms"].as_f64().map(|it| start_ms + it);
    Ok(json!({
        "committed": committed,
        "start_ms": start_ms,
        "offsets_ms": offsets_ms,
        "reloaded": reloaded,
    }))
}

#[cfg(test)]
mod tests {
    use super::median_interval;

    #[test]
    fn the_interval_leaves_out_as_many_values_as_chance_allows() {
        let values = |count: u32| (1..=count).map(f64::from).collect::<Vec<_>>();
        // From tables of the sign test: 96.1 % for 12, 95.9 % for 20 values.
        assert_eq!(median_interval(&values(12)), (3.0, 10.0));
        assert_eq!(median_interval(&values(20)), (6.0, 15.0));
        assert_eq!(median_interval(&values(6)), (1.0, 6.0));
        assert_eq!(median_interval(&values(3)), (1.0, 3.0));
    }
}
