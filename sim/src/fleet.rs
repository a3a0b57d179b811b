//! A sweep in many parts on many machines, and how their results are put together.
//!
//! Promises: which seed is run as which number of which shard depends on the commit alone, so shards
//! need not talk. A shard that was not finished, or that did not find the bug that was planted for
//! it, is void: it does not count as clean. Failures of one class are one finding, with the seeds
//! that show it fastest. Does not: start machines.

use std::collections::{BTreeMap, BTreeSet};

use model::Bug;
use serde_json::{Value, json};

use crate::cli::COMMIT;
use crate::mutants::MUTANTS;
use crate::plan::dice::Dice;
use crate::plan::{Plan, SEED_MAX};
use crate::sweep::{Seeds, Sweep, sweep};

/// One part of a fleet's work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// From 0.
    pub index: u64,
    pub count: u64,
}

impl Shard {
    /// Reads `3/16`.
    ///
    /// # Errors
    /// Not of that form, or not less than the number of shards.
    pub fn parse(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/').and_then(|(index, count)| {
            Some(Self { index: index.parse().ok()?, count: count.parse().ok()? })
        });
        match numbers {
            Some(shard) if shard.index < shard.count => Ok(shard),
            _ => Err(format!("`{text}` is not of the form 3/16, counted from 0")),
        }
    }

    /// The seed of the shard's run with this number.
    #[must_use]
    pub(crate) fn seed(self, ordinal: u64) -> u64 {
        let purpose = format!("{COMMIT}, shard {} of {}", self.index, self.count);
        Dice::new(ordinal, &purpose).word() & SEED_MAX
    }
}

/// What a shard is asked.
#[derive(Debug, Clone, Copy)]
pub struct Task {
    pub shard: Shard,
    pub runs: u64,
    pub jobs: usize,
    /// Runs in which the canary may be found.
    pub canary_runs: u64,
}

/// Runs a shard; `tell` gets a line of JSON for each run and one at the end.
///
/// # Errors
/// A child cannot be started.
pub fn run(task: &Task, mut tell: impl FnMut(&Value)) -> Result<(), String> {
    let seeds = Seeds::Of(task.shard);
    let caught = canary(Bug::AckBeforeSync, seeds, task.canary_runs, task.jobs)?;
    let what =
        Sweep { seeds, bug: None, runs_max: Some(task.runs), time_max: None, jobs: task.jobs };
    let total = sweep(&what, |report| tell(&line(task.shard, report)))?;
    tell(&json!({
        "shard": task.shard.index, "of": task.shard.count, "commit": COMMIT, "ended": true,
        "runs": total.runs, "failed": total.failed_runs,
        "virtual_ms": total.sum("counters.virtual_ms"), "canary": caught,
    }));
    Ok(())
}

/// Plants a bug in so many runs. Found: a checker that is expected to fails a run that passes without
/// the bug. The text says which.
///
/// # Errors
/// A child cannot be started.
///
/// # Panics
/// For a placebo, which nobody may find.
pub fn canary(bug: Bug, seeds: Seeds, runs: u64, jobs: usize) -> Result<Option<String>, String> {
    let mutant = MUTANTS.iter().find(|mutant| mutant.bug == bug);
    let mutant = mutant.expect("every bug has a row");
    assert!(!mutant.is_placebo(), "a placebo is no canary");
    let planted = Sweep { seeds, bug: Some(bug), runs_max: Some(runs), time_max: None, jobs };
    let mut failed = Vec::new();
    sweep(&planted, |report| {
        let class = report["class"].as_str().unwrap_or_default();
        if mutant.expects(class) {
            failed.push((report["seed"].as_u64().unwrap_or_default(), class.to_owned()));
        }
    })?;
    // The order in which children answer must not decide.
    failed.sort();
    for (seed, class) in failed {
        let clean = Sweep { seeds: Seeds::From(seed), bug: None, runs_max: Some(1), ..planted };
        if sweep(&clean, |_| ())?.failed_runs == 0 {
            return Ok(Some(format!("{class}, seed {seed}")));
        }
    }
    Ok(None)
}

fn line(shard: Shard, report: &Value) -> Value {
    let seed = report["seed"].as_u64().unwrap_or_default();
    let config = Plan::from_seed(seed).to_toml();
    json!({
        "shard": shard.index, "of": shard.count, "commit": COMMIT, "seed": seed,
        "config_hash": format!("{:016x}", crate::checkers::event::digest(config.as_bytes())),
        "verdict": report["verdict"], "class": report["class"], "text": report["text"],
        "trace_hash": report["trace_hash"], "wall_ms": report["wall_ms"],
    })
}

/// Failing seeds that are kept of each class.
const KEPT_SEEDS: usize = 3;

/// Failures of one class.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Finding {
    pub count: u64,
    pub text: String,
    /// Wall time in ms, seed, commit: the fastest first.
    pub fastest: BTreeSet<(u64, u64, String)>,
}

/// What a fleet found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Merged {
    pub runs: u64,
    pub virtual_ms: u64,
    /// Shards that count.
    pub shards: BTreeSet<u64>,
    /// Shards that were started and do not count, or that are missing, and why.
    pub void: BTreeMap<u64, &'static str>,
    pub findings: BTreeMap<String, Finding>,
}

/// Puts the lines of all shards together, in whatever order they come.
///
/// # Errors
/// A line that is not a shard's, or shards of different commits or divisions.
pub fn merge<'l>(lines: impl Iterator<Item = &'l str>) -> Result<Merged, String> {
    let mut merged = Merged::default();
    let mut fleet = None;
    for line in lines.filter(|line| !line.trim().is_empty()) {
        let value: Value =
            serde_json::from_str(line).map_err(|error| format!("{error}: {line}"))?;
        let number = |name: &str| value[name].as_u64();
        let (Some(shard), Some(count), Some(commit)) =
            (number("shard"), number("of"), value["commit"].as_str())
        else {
            return Err(format!("not a line of a shard: {line}"));
        };
        let own = fleet.get_or_insert_with(|| (count, commit.to_owned()));
        if (own.0, own.1.as_str()) != (count, commit) {
            return Err(format!("shards of {} at {} and of {count} at {commit}", own.0, own.1));
        }
        if value["ended"] == true {
            merged.virtual_ms += number("virtual_ms").unwrap_or_default();
            match value["canary"].as_str() {
                Some(_) => drop(merged.shards.insert(shard)),
                None => drop(merged.void.insert(shard, "it did not find its planted bug")),
            }
            continue;
        }
        merged.runs += 1;
        if value["verdict"] != "passed" {
            let class = value["class"].as_str().unwrap_or("unknown").to_owned();
            let finding = merged.findings.entry(class).or_default();
            finding.count += 1;
            if finding.text.is_empty() {
                finding.text = value["text"].as_str().unwrap_or_default().to_owned();
            }
            let wall_ms = number("wall_ms").unwrap_or(u64::MAX);
            let seed = number("seed").unwrap_or_default();
            finding.fastest.insert((wall_ms, seed, commit.to_owned()));
            if finding.fastest.len() > KEPT_SEEDS {
                finding.fastest.pop_last();
            }
        }
    }
    for shard in 0..fleet.map_or(0, |(count, _)| count) {
        if !merged.shards.contains(&shard) {
            merged.void.entry(shard).or_insert("it did not end");
        }
    }
    Ok(merged)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(shard: u64, canary: Option<&str>) -> String {
        json!({ "shard": shard, "of": 3, "commit": "c", "ended": true, "virtual_ms": 60_000,
            "canary": canary })
        .to_string()
    }

    fn failed(shard: u64, seed: u64, wall_ms: u64, class: &str) -> String {
        json!({ "shard": shard, "of": 3, "commit": "c", "seed": seed, "verdict": "failed",
            "class": class, "text": "text", "wall_ms": wall_ms })
        .to_string()
    }

    #[test]
    fn every_shard_has_seeds_of_its_own() {
        let shard = |index| Shard { index, count: 4 };
        let seeds: BTreeSet<u64> =
            (0..4).flat_map(|index| (0..100).map(move |it| shard(index).seed(it))).collect();
        assert_eq!(seeds.len(), 400);
        assert_eq!(shard(1).seed(7), shard(1).seed(7));
    }

    #[test]
    fn a_shard_is_counted_from_0() {
        assert_eq!(Shard::parse("3/16"), Ok(Shard { index: 3, count: 16 }));
        assert!(Shard::parse("16/16").is_err() && Shard::parse("3").is_err());
    }

    #[test]
    fn failures_of_a_class_are_one_finding_with_its_fastest_seeds() {
        let mut lines: Vec<String> = (0..3).map(|shard| ended(shard, Some("acked"))).collect();
        lines.extend((1..=5).map(|seed| failed(1, seed, 100 - seed, "acked-stays/lost")));
        lines.push(failed(2, 9, 1, "other/site"));
        let merged = merge(lines.iter().map(String::as_str)).unwrap();
        assert_eq!((merged.runs, merged.findings.len(), merged.void.len()), (6, 2, 0));
        let finding = &merged.findings["acked-stays/lost"];
        let seeds: Vec<u64> = finding.fastest.iter().map(|(_, seed, _)| *seed).collect();
        assert_eq!((finding.count, seeds), (5, vec![5, 4, 3]));
    }

    #[test]
    fn a_shard_without_an_end_or_without_its_canary_is_void() {
        let lines = [ended(0, Some("acked")), ended(1, None)];
        let merged = merge(lines.iter().map(String::as_str)).unwrap();
        assert_eq!(merged.shards, BTreeSet::from([0]));
        assert_eq!(merged.void.keys().copied().collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn shards_of_two_commits_are_not_one_fleet() {
        let other = ended(1, None).replace("\"c\"", "\"d\"");
        assert!(merge([ended(0, None).as_str(), &other].into_iter()).is_err());
    }
}
