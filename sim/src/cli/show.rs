//! A report as text and as JSON, and the line that replays a failure.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use model::{Bug, Instant};

use super::COMMIT;
use crate::LogLine;
use crate::cluster::BEGINNING_NS;
use crate::names::name_of;
use crate::run::{Report, Verdict};

/// The one line after a failure.
pub(super) fn replay_line(
    seed: Option<u64>,
    schedule: Option<&Path>,
    bugs: &BTreeSet<Bug>,
) -> String {
    let seed = seed.map(|seed| format!(" --seed {seed}")).unwrap_or_default();
    let schedule = schedule.map(|path| format!(" --schedule {}", path.display()));
    let bugs: String = bugs.iter().map(|bug| format!(" --bug {}", name_of(bug))).collect();
    format!("sim replay{seed} --commit {COMMIT}{}{bugs}", schedule.unwrap_or_default())
}

/// What a sweep adds up and a program reads.
pub(super) fn as_json(seed: u64, report: &Report) -> Value {
    let violation = report.violation.as_ref();
    json!({
        "seed": seed,
        "commit": COMMIT,
        "verdict": report.verdict,
        "class": violation.map(|it| it.class.clone()),
        "text": violation.map(ToString::to_string),
        "trace_hash": format!("{:016x}", report.trace_hash),
        "counters": report.counters,
        "coverage": report.coverage,
    })
}

pub(super) fn print(seed: u64, report: &Report) {
    let counters = &report.counters;
    outln!(
        "seed {seed}: the world's clock went from {:?} to {:?}; {} events, {} batches acknowledged, {} read, {} crashes \
         ({} with lost sectors), {} recoveries, trace {:016x}",
        Instant(BEGINNING_NS),
        Instant(BEGINNING_NS + counters.virtual_ms * 1_000_000),
        counters.events,
        counters.acked_batches,
        counters.consumed_batches,
        counters.crashes,
        counters.crashes_with_lost_sectors,
        counters.recoveries,
        report.trace_hash
    );
    let rows = |title: &str, rows: Vec<String>| {
        if !rows.is_empty() {
            outln!("  {title}: {}", rows.join(", "));
        }
    };
    let faults = report.coverage.faults.iter();
    rows(
        "faults",
        faults
            .map(|(kind, row)| {
                format!(
                    "{kind} {}/{} effective, {} missed, {} refused",
                    row.effective, row.struck, row.missed, row.refused
                )
            })
            .collect(),
    );
    let counted = |(name, times): (&String, &u64)| format!("{name} {times}");
    rows("sites", report.coverage.sites.iter().map(counted).collect());
    rows("checkers", report.coverage.checkers.iter().map(counted).collect());
    match report.verdict {
        Verdict::Passed => outln!("passed"),
        Verdict::Failed => {
            if let Some(violation) = &report.violation {
                outln!("FAILED {violation}");
            }
        }
    }
}

pub(super) fn print_lines<'l>(lines: impl Iterator<Item = &'l LogLine>) {
    for line in lines {
        let LogLine { at, node, level, shard, text } = line;
        outln!("{at:?} node {node} shard {shard} {level:?}: {text}");
    }
}
